import Traceflow

/// The rules that have a say on one Pod, in one direction, for one kind of packet, in order.
///
/// Everything that asks what policies decide asks a chain: one peer at a time (`judge`), or all
/// Pods at once (`shares`). Both walk the same links by the same rules:
///
///     tiers             the first match decides; Pass goes on behind the tiers
///     networkPolicies   if any isolates the Pod: allowed by any match, else dropped, finally
///     baseline          the first match decides; Pass allows
///     nobody            allowed
///
/// An object, since one of them is asked about many packets.
final class RuleChain: Sendable {
    struct Link: Sendable {
        var stage: PolicyStage
        var policy: PolicyName
        var rule: CompiledRule
        /// Where the ports are named: the destinations that have them.
        var destinations: PodSet?
    }

    let links: [Link]
    let isIsolated: Bool
    let direction: Direction
    /// Addresses that no policy keeps out: the Pod's own node's.
    let exempt: [IPAddress]
    private let index: PodIndex
    private let prefersV6: Bool

    /// The chain of a Pod, made of policies in their order of evaluation.
    init(
        of subject: Int, _ direction: Direction, _ headers: Headers,
        in policies: [CompiledPolicy], _ index: PodIndex, prefersV6: Bool = false
    ) {
        self.direction = direction
        self.index = index
        self.prefersV6 = prefersV6
        // A node reaches its own Pods, for the sake of the kubelet's probes.
        exempt =
            direction == .ingress
            ? index.pods[subject].nodeName.flatMap { index.nodes[$0]?.addresses } ?? [] : []
        var links: [Link] = []
        var isIsolated = false
        for policy in policies where policy.selects(subject, direction) {
            if policy.stage == .networkPolicies { isIsolated = true }
            for rule in policy.rules(direction)
            where rule.subjects.map({ $0.contains(subject) }) ?? true {
                let ports = PortSet(rule.rule.ports, headers)
                switch direction {
                case .ingress: if !ports.admits(subject, index) { continue }
                case .egress: if ports.isEmpty { continue }
                }
                links.append(
                    Link(
                        stage: policy.stage, policy: policy.policy.name, rule: rule,
                        destinations: direction == .egress ? ports.destinations(index) : nil))
            }
        }
        self.links = links
        self.isIsolated = isIsolated
    }

    /// What the policies say of a packet to or from the peer.
    func judge(_ peer: FlowEnd, service: String? = nil) -> Judgement {
        if let address = peer.address, exempt.contains(address) {
            return Judgement(decision: .undecided)
        }
        var judgement = Judgement(decision: .undecided)
        var hasPassed = false
        for link in links {
            if link.stage == .tiers, hasPassed { continue }
            if link.stage == .baseline, isIsolated { break }
            guard link.admits(peer) else { continue }
            guard link.rule.holds(peer, service: service) else {
                if link.rule.mayHold(peer) {
                    judgement.doubts.append(link.rule.reference(in: link.policy))
                }
                continue
            }
            let reference = link.rule.reference(in: link.policy)
            switch reference.action {
            case .allow: judgement.decision = .allowed(reference)
            case .drop: judgement.decision = .dropped(reference)
            case .reject: judgement.decision = .rejected(reference)
            case .pass where link.stage == .tiers:
                hasPassed = true
                continue
            case .pass: judgement.decision = .undecided
            }
            return judgement
        }
        if isIsolated { judgement.decision = .isolated }
        return judgement
    }

    /// Some Pods, and what is decided of packets to or from each of them.
    struct Share: Hashable, Sendable {
        var decision: Decision
        var pods: PodSet
    }

    /// What is decided of every Pod: each is in one share.
    ///
    /// Pods with addresses of both families are asked about in the preferred one.
    func shares(subject: Int) -> [Share] {
        let order: [IPAddress.Family] = prefersV6 ? [.v6, .v4] : [.v4, .v6]
        let own = index.pods[subject]
        let main = order.first { own.address($0) != nil } ?? order[0]
        let other: IPAddress.Family = main == .v4 ? .v6 : .v4
        var result = shares(main)
        // Pods of the other family alone; those without an address are matched by labels only.
        var rest = index.pods(with: other)
        rest.subtract(index.pods(with: main))
        guard !rest.isEmpty else { return result }
        for place in result.indices { result[place].pods.subtract(rest) }
        for share in shares(other) {
            result.append(Share(decision: share.decision, pods: share.pods.intersection(rest)))
        }
        return result
    }

    private func shares(_ family: IPAddress.Family) -> [Share] {
        var shares: [Share] = []
        var open = PodSet(all: index.count)
        var passed = PodSet(count: index.count)
        for address in exempt where address.family == family {
            index.forEachPod(in: CIDR(only: address)) { open.set($0, to: false) }
        }
        var untouched = PodSet(all: index.count)
        untouched.subtract(open)
        for link in links {
            if link.stage != .tiers { open.take(passed, from: &passed) }
            if link.stage == .baseline, isIsolated { break }
            var held = link.rule.isForEverybody ? open : link.rule.pods[family]
            if let destinations = link.destinations { held.formIntersection(destinations) }
            held.formIntersection(open)
            if held.isEmpty { continue }
            open.subtract(held)
            let reference = link.rule.reference(in: link.policy)
            switch reference.action {
            case .allow: shares.append(Share(decision: .allowed(reference), pods: held))
            case .drop: shares.append(Share(decision: .dropped(reference), pods: held))
            case .reject: shares.append(Share(decision: .rejected(reference), pods: held))
            case .pass where link.stage == .tiers: passed.formUnion(held)
            case .pass: untouched.formUnion(held)
            }
        }
        open.formUnion(passed)
        if isIsolated {
            shares.append(Share(decision: .isolated, pods: open))
        } else {
            untouched.formUnion(open)
        }
        shares.append(Share(decision: .undecided, pods: untouched))
        return shares
    }
}

extension RuleChain.Link {
    /// Whether the rule's ports are open on the peer, where it is the destination.
    func admits(_ peer: FlowEnd) -> Bool {
        guard let destinations else { return true }
        return peer.pod.map(destinations.contains) ?? false
    }
}
