import Synchronization

/// Chains that were made before: of a sweep's pairs each Pod's is asked for again and again.
final class ChainCache: Sendable {
    private struct Key: Hashable {
        var subject: Int
        var direction: Direction
        var headers: Headers

        /// Few kinds of packets are asked about at once, and nearly all differ by port.
        func hash(into hasher: inout Hasher) {
            hasher.combine(
                subject << 17 ^ (headers.port ?? -1) << 1 ^ (direction == .egress ? 1 : 0))
        }
    }

    private let chains = Mutex<[Key: RuleChain]>([:])

    /// Beyond this many it starts anew.
    private static let countMax = 8192

    /// The chain, which `make` makes if it is not there.
    func chain(
        of subject: Int, _ direction: Direction, _ headers: Headers, make: () -> RuleChain
    ) -> RuleChain {
        let key = Key(subject: subject, direction: direction, headers: headers)
        if let known = chains.withLock({ $0[key] }) { return known }
        let chain = make()
        chains.withLock { chains in
            if chains.count >= Self.countMax { chains = [:] }
            chains[key] = chain
        }
        return chain
    }
}
