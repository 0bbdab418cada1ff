import Traceflow

/// The data-plane tags in use, derived from the events that move traces.
///
/// A tag is held exactly while its attempt runs, so there is no release to forget. Invariant: no
/// two holders with the same tag have a node in common.
public struct TagPool: Hashable, Sendable {
    /// Antrea's tags: DSCP code points xxxx11 from 7 to 59 (pkg/controller/traceflow).
    public static let tags = Array(stride(from: 7, through: 59, by: 4))

    public var profile: TagProfile
    private var holds: [TraceID: Hold] = [:]
    private var usedOnNode: [String: UInt16] = [:]
    private var usedOnAllNodes: UInt16 = 0
    private var holders = [Int](repeating: 0, count: TagPool.tags.count)

    private struct Hold: Hashable, Sendable {
        var bit: Int?
        var scope: TagScope
    }

    public init(profile: TagProfile = .perNode) { self.profile = profile }

    /// How many attempts hold a tag or a credit.
    public var heldCount: Int { holds.count }

    public func holds(_ trace: TraceID) -> Bool { holds[trace] != nil }

    /// Returns the lowest tag that nobody holds on a node of the scope; nil when there is none.
    /// Under `external` that is 0 as long as a credit is left.
    public func freeTag(for scope: TagScope) -> Int? {
        switch profile {
        case .external(let reserve, let foreign):
            return holds.count < TagPool.tags.count - reserve - foreign ? 0 : nil
        case .antrea: return lowest(usedAnywhere)
        case .perNode:
            switch scope {
            case .allNodes: return lowest(usedAnywhere)
            case .nodes(let nodes):
                return lowest(nodes.reduce(usedOnAllNodes) { $0 | (usedOnNode[$1] ?? 0) })
            }
        }
    }

    /// Whether no scope at all could get a tag.
    public var isExhausted: Bool {
        switch profile {
        case .external, .antrea: freeTag(for: .allNodes) == nil
        case .perNode: usedOnAllNodes == TagPool.every
        }
    }

    /// The trace now holds the tag; what it held before is given up.
    public mutating func hold(_ tag: Int, scope: TagScope, for trace: TraceID) {
        release(trace)
        let bit = TagPool.tags.firstIndex(of: tag)
        holds[trace] = Hold(bit: bit, scope: scope)
        guard let bit else { return }
        holders[bit] += 1
        switch scope {
        case .allNodes: usedOnAllNodes |= 1 << bit
        case .nodes(let nodes): for node in nodes { usedOnNode[node, default: 0] |= 1 << bit }
        }
    }

    /// The trace's attempt is over; nothing happens if it held nothing.
    public mutating func release(_ trace: TraceID) {
        guard let hold = holds.removeValue(forKey: trace), let bit = hold.bit else { return }
        holders[bit] -= 1
        switch hold.scope {
        case .allNodes: usedOnAllNodes &= ~(1 << bit)
        case .nodes(let nodes):
            for node in nodes {
                let left = (usedOnNode[node] ?? 0) & ~(1 << bit)
                usedOnNode[node] = left == 0 ? nil : left
            }
        }
    }

    private static let every: UInt16 = (1 << UInt16(tags.count)) - 1

    private var usedAnywhere: UInt16 {
        var used: UInt16 = 0
        for (bit, count) in holders.enumerated() where count > 0 { used |= 1 << UInt16(bit) }
        return used
    }

    private func lowest(_ used: UInt16) -> Int? {
        let bit = (~used).trailingZeroBitCount
        return bit < TagPool.tags.count ? TagPool.tags[bit] : nil
    }
}
