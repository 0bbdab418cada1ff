import Traceflow

/// The lanes in the order in which their first traces may have tags.
///
/// The rule: go through all waiting traces, more urgent priorities first, then first in, first
/// out. One that cannot get a tag blocks its nodes, and so does one that meets a blocked node; one
/// that may go everywhere meets them all. The same, without going through all: a trace may start
/// if and only if it is the first *on every one of its nodes* and a tag is free for it, because
/// whoever stands before it and still waits is kept, and blocks the node they share. So each node
/// has a queue of lanes, those that may go everywhere have one of their own, and a pass looks only
/// at lanes in front on all of their nodes; they have no node in common. One of them that found no
/// tag is stuck, and not looked at again before a tag is given back on one of its nodes. A pass
/// costs what it decides and what was given back since, however many lanes there are.
///
///     behind ──first on all nodes──▶ ready ──no tag──▶ stuck
///       ▲                             │  ▲              │ │
///       └──────someone is before──────┘  └──tag freed───┘ │
///       └─────────────────────someone is before───────────┘
///
/// Invariants, when no lane is dirty: a lane is not `behind` exactly when it is first on all of
/// its nodes; no stuck lane could have a tag; `ready` has the standing of every ready lane.
struct LineUp: Sendable {
    var lanes: [Lane] = []
    var isPerNode = true
    /// The lane in front on each node; -1 for none.
    private(set) var front: [Int] = []
    private var numbers: [SchedulingFacts: Int] = [:]
    private var vacant: [Int] = []
    private var recent = 0
    private var lanesMax = LineUp.lanesMin
    private var dirty: [Int] = []
    /// The queues; a standing that its lane no longer has is dropped when it comes to the front.
    private var onNode: [Queue] = []
    private var everywhere = Queue()
    private var ready = MinHeap<Standing>()
    /// The same of captures, which need no tags.
    private var readyCaptures = MinHeap<Standing>()

    private struct Queue: Sendable {
        var heap = MinHeap<Standing>()
        /// How many lanes stand in it.
        var count = 0
    }

    private static let lanesMin = 1024

    // MARK: lanes

    /// The lane of the facts, made if there is none.
    mutating func lane(of facts: SchedulingFacts, _ names: inout NodeNames) -> Int {
        if recent < lanes.count, !lanes[recent].isVacant, lanes[recent].facts == facts {
            return recent
        }
        if let number = numbers[facts] {
            recent = number
            return number
        }
        if vacant.isEmpty, lanes.count >= lanesMax { vacate() }
        let lane = Lane(facts: facts, nodes: names.numbers(of: facts))
        for node in lane.nodes {
            while onNode.count <= node {
                onNode.append(Queue())
                front.append(-1)
            }
        }
        recent = vacant.popLast() ?? lanes.count
        if recent == lanes.count { lanes.append(lane) } else { lanes[recent] = lane }
        numbers[facts] = recent
        return recent
    }

    /// Takes back the numbers of empty lanes.
    private mutating func vacate() {
        settle()
        for number in lanes.indices where lanes[number].lined == nil {
            numbers[lanes[number].facts] = nil
            lanes[number].isVacant = true
            vacant.append(number)
        }
        lanesMax = max(Self.lanesMin, 2 * (lanes.count - vacant.count))
    }

    /// Says that the lane's head may have changed.
    mutating func markDirty(_ number: Int) {
        guard !lanes[number].isDirty else { return }
        lanes[number].isDirty = true
        dirty.append(number)
    }

    /// Lines all lanes up anew, after a change of what their traces want.
    mutating func rebuild(isPerNode: Bool) {
        self.isPerNode = isPerNode
        onNode = onNode.map { _ in Queue() }
        front = front.map { _ in -1 }
        everywhere = Queue()
        ready = MinHeap()
        readyCaptures = MinHeap()
        for number in lanes.indices where !lanes[number].isVacant {
            lanes[number].lined = nil
            lanes[number].fronts = 0
            lanes[number].stance = .behind
            markDirty(number)
        }
    }

    /// The nodes that the lane's traces want under the profile in force.
    func wanted(_ number: Int) -> [Int32] {
        isPerNode || lanes[number].facts.isCapture ? lanes[number].nodes : []
    }

    // MARK: choosing

    /// Takes in the heads that changed.
    mutating func settle() {
        while let number = dirty.popLast() {
            lanes[number].isDirty = false
            update(number)
        }
    }

    /// The first lane to be tried; nil when there is none that is bound to nodes.
    mutating func firstReady() -> Standing? {
        while let first = ready.first, !isReady(first) { ready.removeFirst() }
        return ready.first
    }

    mutating func firstReadyCapture() -> Standing? {
        while let first = readyCaptures.first, !isReady(first) { readyCaptures.removeFirst() }
        return readyCaptures.first
    }

    var firstEverywhere: Standing? { everywhere.heap.first }

    mutating func setStuck(_ number: Int) { lanes[number].stance = .stuck }

    /// A tag was given back on the nodes: who is stuck there is to be tried again.
    mutating func wake(_ nodes: [Int32]) {
        if nodes.isEmpty {
            for number in front where number >= 0 { wake(lane: number) }
        } else {
            for node in nodes where node < front.count && front[Int(node)] >= 0 {
                wake(lane: front[Int(node)])
            }
        }
    }

    private mutating func wake(lane number: Int) {
        guard lanes[number].stance == .stuck else { return }
        makeReady(number)
    }

    private func isReady(_ standing: Standing) -> Bool {
        let lane = Int(standing.lane)
        return lanes[lane].stance == .ready && lanes[lane].lined == standing
    }

    private mutating func makeReady(_ number: Int) {
        lanes[number].stance = .ready
        guard let lined = lanes[number].lined else { return }
        if lanes[number].facts.isCapture {
            Self.insert(lined, into: &readyCaptures, front.count, lanes)
        } else {
            Self.insert(lined, into: &ready, front.count, lanes)
        }
    }

    private static func insert(
        _ lined: Standing, into ready: inout MinHeap<Standing>, _ nodeCount: Int, _ lanes: [Lane]
    ) {
        ready.insert(lined)
        if ready.count > 2 * nodeCount + 64 {
            ready.keep { lanes[Int($0.lane)].stance == .ready && lanes[Int($0.lane)].lined == $0 }
        }
    }

    // MARK: queues

    private mutating func update(_ number: Int) {
        let old = lanes[number].lined
        let new = lanes[number].standing(number)
        guard old != new else { return }
        lanes[number].lined = new
        let nodes = wanted(number)
        if nodes.isEmpty { Self.replace(old, new, in: &everywhere, lanes) }
        for node in nodes {
            Self.replace(old, new, in: &onNode[Int(node)], lanes)
            refreshFront(Int(node), changed: number)
        }
        if lanes[number].stance == .ready { makeReady(number) }
    }

    private static func replace(
        _ old: Standing?, _ new: Standing?, in queue: inout Queue, _ lanes: borrowing [Lane]
    ) {
        queue.count += (new == nil ? 0 : 1) - (old == nil ? 0 : 1)
        if let old, queue.heap.first == old {
            if let new { queue.heap.replaceFirst(new) } else { queue.heap.removeFirst() }
        } else if let new {
            queue.heap.insert(new)
        }
        while let first = queue.heap.first, lanes[Int(first.lane)].lined != first {
            queue.heap.removeFirst()
        }
        if queue.heap.count > 2 * queue.count + 64 {
            let lanes = copy lanes
            queue.heap.keep { lanes[Int($0.lane)].lined == $0 }
        }
    }

    /// `changed` is made ready, if it is, by who changed it.
    private mutating func refreshFront(_ node: Int, changed: Int) {
        let before = front[node]
        let after = onNode[node].heap.first.map { Int($0.lane) } ?? -1
        guard before != after else { return }
        front[node] = after
        if before >= 0 {
            lanes[before].fronts -= 1
            lanes[before].stance = .behind
        }
        guard after >= 0 else { return }
        lanes[after].fronts += 1
        guard lanes[after].fronts == lanes[after].nodes.count else { return }
        if after == changed { lanes[after].stance = .ready } else { makeReady(after) }
    }
}
