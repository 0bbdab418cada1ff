import Traceflow

/// Where a lane's first trace stands among those of other lanes: more urgent priorities first,
/// then first in, first out.
struct Standing: Comparable, Sendable {
    var position: Int64
    var priority: Int32
    var lane: Int32

    static func < (a: Standing, b: Standing) -> Bool {
        a.priority != b.priority ? a.priority > b.priority : a.position < b.position
    }
}

/// The waiting traces that scheduling cannot tell apart but by their place.
///
/// Invariant, kept by `SchedulerState`: the head still waits.
struct Lane: Sendable {
    struct Head: Hashable, Sendable {
        var position: Int64
        var trace: TraceID
        /// Whether it is an entry by itself, not one of a range.
        var isSingle: Bool
    }

    /// What `LineUp` makes of the lane: not in front on all of its nodes; in front and to be
    /// tried; in front, and found without a tag since one was last given back there.
    enum Stance: Sendable { case behind, ready, stuck }

    let facts: SchedulingFacts
    /// The nodes of `facts`, without regard to the profile; none stands for everywhere.
    let nodes: [Int32]
    var runs = RunQueue()
    /// How many entries of `runs` are of traces that wait no more.
    var staleCount = 0
    var singles = Agenda(.retried)
    /// The standing that the line-up knows; it follows the head when the lane is settled.
    var lined: Standing?
    var isDirty = false
    var isVacant = false
    /// On how many of its nodes the lane is in front.
    var fronts = 0
    var stance = Stance.behind

    var head: Head? {
        let single = singles.first
        guard !runs.isEmpty, single.map({ runs.front.position < $0.key }) ?? true else {
            return single.map { Head(position: $0.key, trace: $0.trace, isSingle: true) }
        }
        return Head(
            position: runs.front.position, trace: TraceID(runs.front.stream), isSingle: false)
    }

    /// Drops a head that waits no more.
    mutating func dropHead(isSingle: Bool) {
        if isSingle {
            singles.removeFirst()
        } else {
            runs.dropFirst()
            staleCount -= 1
        }
    }

    func standing(_ number: Int) -> Standing? {
        head.map {
            Standing(
                position: $0.position, priority: Int32(clamping: facts.priority),
                lane: Int32(number))
        }
    }
}
