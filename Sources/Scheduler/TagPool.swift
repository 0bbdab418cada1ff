import Traceflow

/// The data-plane tags in use, derived from the events that move traces.
///
/// A tag is held exactly while its attempt runs: `SchedulerState` takes and gives it back as it
/// folds, so there is no release for a decider to forget. Nodes are small numbers here; a scope
/// without nodes is everywhere. Invariant: no two holders with the same tag have a node in common.
public struct TagPool: Hashable, Sendable {
    /// Antrea's tags: DSCP code points xxxx11 from 7 to 59 (pkg/controller/traceflow).
    public static let tags = Array(stride(from: 7, through: 59, by: 4))

    public internal(set) var profile: TagProfile
    /// How many attempts hold a tag or a credit.
    public private(set) var heldCount = 0
    private var usedOnNode: [UInt16] = []
    private var usedOnAllNodes: UInt16 = 0
    private var usedAnywhere: UInt16 = 0
    private var holders = [Int](repeating: 0, count: TagPool.tags.count)

    public init(profile: TagProfile = .perNode) { self.profile = profile }

    /// Whether the same tag may run on disjoint sets of nodes.
    var isPerNode: Bool {
        switch profile {
        case .perNode: true
        case .antrea, .external: false
        }
    }

    /// How much of what there is to hold is held: tags or credits, or under `perNode` tags on
    /// nodes, of those nodes that a tag was ever held on.
    public var use: (held: Int, capacity: Int) {
        switch profile {
        case .antrea: return (heldCount, Self.tags.count)
        case .external(let reserve, let foreign):
            return (heldCount, max(0, Self.tags.count - reserve - foreign))
        case .perNode:
            let places = max(1, usedOnNode.count)
            let here = usedOnNode.reduce(0) { $0 + ($1 & ~usedOnAllNodes).nonzeroBitCount }
            return (here + usedOnAllNodes.nonzeroBitCount * places, Self.tags.count * places)
        }
    }

    /// Returns the lowest tag that nobody holds on one of the nodes; nil when there is none.
    /// Under `external` that is 0 as long as a credit is left.
    func freeTag(on nodes: [Int32]) -> Int? {
        switch profile {
        case .external(let reserve, let foreign):
            return heldCount < TagPool.tags.count - reserve - foreign ? 0 : nil
        case .antrea: return lowest(usedAnywhere)
        case .perNode:
            if nodes.isEmpty { return lowest(usedAnywhere) }
            var used = usedOnAllNodes
            for node in nodes where node < usedOnNode.count { used |= usedOnNode[Int(node)] }
            return lowest(used)
        }
    }

    mutating func hold(_ tag: Int, on nodes: [Int32]) {
        heldCount += 1
        guard let bit = bit(of: tag) else { return }
        holders[bit] += 1
        usedAnywhere |= 1 << bit
        if nodes.isEmpty { usedOnAllNodes |= 1 << bit }
        for node in nodes {
            while usedOnNode.count <= node { usedOnNode.append(0) }
            usedOnNode[Int(node)] |= 1 << bit
        }
    }

    mutating func release(_ tag: Int, on nodes: [Int32]) {
        heldCount -= 1
        guard let bit = bit(of: tag) else { return }
        holders[bit] -= 1
        if holders[bit] == 0 { usedAnywhere &= ~(1 << bit) }
        if nodes.isEmpty { usedOnAllNodes &= ~(1 << bit) }
        for node in nodes { usedOnNode[Int(node)] &= ~(1 << bit) }
    }

    private func bit(of tag: Int) -> Int? {
        let (bit, rest) = (tag - 7).quotientAndRemainder(dividingBy: 4)
        return rest == 0 && (0..<TagPool.count).contains(bit) ? bit : nil
    }

    private static let count = 14

    private func lowest(_ used: UInt16) -> Int? {
        let bit = (~used).trailingZeroBitCount
        return bit < TagPool.count ? 7 + 4 * bit : nil
    }
}
