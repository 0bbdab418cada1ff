import Scheduler

/// Who waits and who holds which tag, as simply as it can be said.
///
/// The rule (docs/decisions/0003-who-may-start.md): a trace may start if nobody that waits before
/// it shares a node with it, and takes the lowest tag that nobody holds on its nodes.
struct TagLedger {
    var profile = TagProfile.perNode
    /// In the order in which they may start.
    private var waiting: [Waiting] = []
    private var holders: [Int: [Holder]] = [:]
    private(set) var heldCount = 0

    private struct Waiting {
        var priority: Int
        var position: Int64
        var trace: Int64
        var nodes: UInt64
        var notBefore: Int64

        func isBefore(_ other: Waiting) -> Bool {
            priority != other.priority ? priority > other.priority : position < other.position
        }
    }

    private struct Holder {
        var trace: Int64
        var nodes: UInt64
    }

    private var isPerNode: Bool { profile == .perNode }

    var waitingCount: Int { waiting.count }

    private func entry(_ story: Story, _ trace: Int64) -> Waiting {
        Waiting(
            priority: story.facts.priority, position: story.queuedAt, trace: trace,
            nodes: story.nodes, notBefore: story.notBefore)
    }

    private func place(_ entry: Waiting) -> Int {
        var (low, high) = (0, waiting.count)
        while low < high {
            let middle = (low + high) / 2
            if waiting[middle].isBefore(entry) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func enqueue(_ story: Story, _ trace: Int64) {
        let entry = entry(story, trace)
        waiting.insert(entry, at: place(entry))
    }

    mutating func dequeue(_ story: Story, _ trace: Int64) {
        let place = place(entry(story, trace))
        if place < waiting.count, waiting[place].trace == trace { waiting.remove(at: place) }
    }

    /// `isUnwanted` tells those that wait for nothing but their end.
    mutating func start(
        _ story: Story, _ trace: Int64, _ allocation: TagAllocation, at moment: Int64,
        _ isUnwanted: (Int64) -> Bool
    ) throws {
        let place = place(entry(story, trace))
        guard place < waiting.count, waiting[place].trace == trace else {
            throw Violation("was started without waiting")
        }
        guard story.notBefore <= moment else { throw Violation("was started before its rest") }
        let nodes = isPerNode ? story.nodes : .max
        for other in waiting[..<place]
        where (isPerNode ? other.nodes : .max) & nodes != 0 && other.notBefore <= moment {
            guard isUnwanted(other.trace) else {
                throw Violation("was started before trace \(other.trace), whose turn it was")
            }
        }
        waiting.remove(at: place)
        guard Story.mask(of: allocation.scope) == nodes else {
            throw Violation("blocks the wrong nodes: \(allocation.scope) under \(profile)")
        }
        let tag = try expectedTag(nodes)
        guard allocation.tag == tag else {
            throw Violation("got tag \(allocation.tag), free was \(tag)")
        }
        holders[tag, default: []].append(Holder(trace: trace, nodes: nodes))
        heldCount += 1
    }

    private func expectedTag(_ nodes: UInt64) throws -> Int {
        if case .external(let reserve, let foreign) = profile {
            guard heldCount < TagPool.tags.count - reserve - foreign else {
                throw Violation("was started without a credit")
            }
            return 0
        }
        let free = TagPool.tags.first { tag in
            holders[tag]?.contains { $0.nodes & nodes != 0 } != true
        }
        guard let free else { throw Violation("was started although no tag is free") }
        return free
    }

    mutating func release(_ allocation: TagAllocation, _ trace: Int64) {
        holders[allocation.tag]?.removeAll { $0.trace == trace }
        heldCount -= 1
    }
}
