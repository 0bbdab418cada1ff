import Synchronization

/// Chains that were made before: of a sweep's pairs each Pod's is asked for again and again.
final class ChainCache: Sendable {
    private struct Key: Hashable {
        var subject: Int
        var direction: Direction
        var headers: Headers

        /// What differs between the packets that one Pod is asked about: mostly the ports.
        func hash(into hasher: inout Hasher) {
            hasher.combine(subject << 1 ^ (direction == .egress ? 1 : 0))
            hasher.combine(
                (headers.port ?? -1) << 40 ^ (headers.sourcePort ?? -1) << 20
                    ^ (headers.icmpType ?? -1) << 10 ^ headers.protocol)
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
