import Traceflow

/// The Pending traces, in the order in which they may have tags.
///
/// Order: more urgent priorities first, then first in, first out. Traces of one priority that
/// want the same nodes stand in one lane, so that a look at the queue costs as much as there are
/// lanes, however many wait. Entries whose trace moved on are dropped when they reach the front.
struct WaitingQueue: Sendable {
    struct Entry: Hashable, Sendable {
        var position: Int64
        var trace: TraceID
        var attempt: Int
    }

    struct Lane: Hashable, Sendable {
        var priority: Int
        var scope: TagScope
    }

    private struct Line: Sendable {
        var entries: [Entry] = []
        var head = 0

        var first: Entry? { head < entries.count ? entries[head] : nil }

        mutating func dropFirst() {
            head += 1
            if head > 1024, head * 2 > entries.count {
                entries.removeFirst(head)
                head = 0
            }
        }

        mutating func insert(_ entry: Entry) {
            var index = entries.count
            while index > head, entries[index - 1].position > entry.position { index -= 1 }
            entries.insert(entry, at: index)
        }
    }

    private var lines: [Lane: Line] = [:]

    mutating func insert(_ entry: Entry, in lane: Lane) {
        lines[lane, default: Line()].insert(entry)
    }

    /// Offers every waiting trace that is first in its lane, in order, until `stop` says so.
    ///
    /// `offer` answers what to do with the entry; a lane whose entry was kept is not looked at
    /// again, and no later trace of the same or a lower priority that shares a node with it is
    /// offered: that is what makes the queue fair.
    mutating func offer(
        isStale: (Entry) -> Bool, _ offer: (Entry, TagScope) -> Answer
    ) {
        var heads: [(lane: Lane, entry: Entry)] = []
        for lane in Array(lines.keys) {
            if let entry = front(of: lane, isStale) { heads.append((lane, entry)) }
        }
        heads.sort { Self.precedes($0, $1) }
        var blocked = Blocked()
        while !heads.isEmpty {
            let (lane, entry) = heads.removeFirst()
            if blocked.meets(lane.scope) {
                blocked.insert(lane.scope)
                continue
            }
            switch offer(entry, lane.scope) {
            case .stop: return
            case .kept: blocked.insert(lane.scope)
            case .taken:
                lines[lane]?.dropFirst()
                guard let next = front(of: lane, isStale) else { continue }
                let head = (lane: lane, entry: next)
                let place = heads.firstIndex { Self.precedes(head, $0) } ?? heads.count
                heads.insert(head, at: place)
            }
            if blocked.isEverything { return }
        }
    }

    enum Answer { case taken, kept, stop }

    private mutating func front(of lane: Lane, _ isStale: (Entry) -> Bool) -> Entry? {
        while let entry = lines[lane]?.first {
            if !isStale(entry) { return entry }
            lines[lane]?.dropFirst()
        }
        lines[lane] = nil
        return nil
    }

    private static func precedes(
        _ a: (lane: Lane, entry: Entry), _ b: (lane: Lane, entry: Entry)
    ) -> Bool {
        (b.lane.priority, a.entry.position) < (a.lane.priority, b.entry.position)
    }
}

/// The nodes that a trace further ahead is waiting for.
private struct Blocked {
    private var nodes: Set<String> = []
    private(set) var isEverything = false

    func meets(_ scope: TagScope) -> Bool {
        switch scope {
        case .allNodes: isEverything || !nodes.isEmpty
        case .nodes(let wanted): isEverything || wanted.contains { nodes.contains($0) }
        }
    }

    mutating func insert(_ scope: TagScope) {
        switch scope {
        case .allNodes: isEverything = true
        case .nodes(let wanted): nodes.formUnion(wanted)
        }
    }
}
