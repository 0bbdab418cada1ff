import Traceflow

/// Pods that no policy and no path tells apart: on the same node, selected by the same policies and
/// rules, peers of the same rules, with the same named ports.
///
/// What becomes of a packet between two Pods depends on their classes alone, but for the names and
/// addresses that a report shows: each side's chain of rules is made of these sets (`RuleChain`),
/// and the way between two nodes is one. Pods that policies cannot select are addresses to them;
/// each is a class of its own.
struct PodClasses: Sendable {
    /// The number of each Pod's class, in the order of the first Pod of each.
    let numbers: [Int]

    init(_ cluster: Cluster) {
        let pods = cluster.pods
        var signatures = pods.map { pod in
            Signature(
                node: pod.nodeName, families: Set(pod.addresses.map(\.family)),
                ports: pod.ports.filter { $0.name != nil }, bits: [])
        }
        var place = 0
        func mark(_ set: PodSet?) {
            guard let set else { return }
            for pod in set.members {
                while signatures[pod].bits.count <= place / 64 { signatures[pod].bits.append(0) }
                signatures[pod].bits[place / 64] |= 1 << UInt64(place % 64)
            }
            place += 1
        }
        for policy in cluster.policies.policies {
            mark(policy.subjects)
            for rule in policy.ingress + policy.egress {
                mark(rule.subjects)
                mark(rule.pods.v4)
                mark(rule.pods.v6)
            }
        }
        var known: [Signature: Int] = [:]
        var count = 0
        numbers = pods.indices.map { pod in
            guard pods[pod].canBeSelected else {
                count += 1
                return count - 1
            }
            if let number = known[signatures[pod]] { return number }
            known[signatures[pod]] = count
            count += 1
            return count - 1
        }
    }

    private struct Signature: Hashable {
        var node: String?
        var families: Set<IPAddress.Family>
        var ports: [Pod.Port]
        /// One a set of Pods that policies have, without zeros at the end.
        var bits: [UInt64]
    }
}
