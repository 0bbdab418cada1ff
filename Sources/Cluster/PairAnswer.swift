import Traceflow

/// May this source reach that destination on a port?
public struct PairQuestion: Hashable, Sendable {
    /// `namespace/pod`, or `ip:ADDRESS` for an address outside the cluster.
    public var source: String
    public var destination: String
    /// TCP, UDP or SCTP.
    public var `protocol`: String
    public var port: Int

    public init(source: String, destination: String, protocol: String, port: Int) {
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.port = port
    }
}

/// What one direction's policies say of a pair.
public struct DirectionWhy: Hashable, Sendable {
    public struct PolicyWhy: Hashable, Sendable {
        /// Why no rule of the policy matched.
        public enum Reason: String, Sendable, CaseIterable {
            case noRules = "no-rules"
            case peer
            case ports
        }

        public var policy: String
        /// The rule, from 1, that matched, or the first whose peer did.
        public var rule: Int?
        public var reason: Reason?
    }

    public var allowed: Bool
    /// No policy selects the Pod, so everything passes.
    public var isDefault: Bool
    /// When allowed those that allow; else every policy that selects the Pod.
    public var policies: [PolicyWhy]
}

public struct PairAnswer: Hashable, Sendable {
    public var question: PairQuestion
    public var egress: DirectionWhy
    public var ingress: DirectionWhy

    public var allowed: Bool { egress.allowed && ingress.allowed }
    public var verdict: Verdict { allowed ? .delivered : .dropped }
}

/// A question that cannot be answered, and why.
public struct PairError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

extension Cluster {
    /// Pods that a matrix asks about, as `namespace/name` in order.
    public var matrixPods: [String] {
        pods.filter { !$0.isFinished && (!$0.addresses.isEmpty || $0.isSynthetic) }.map(\.fullName)
            .sorted()
    }

    /// Pods that a matrix leaves out, with the reason.
    public var podsLeftOut: [String] {
        pods.filter { $0.isFinished || ($0.addresses.isEmpty && !$0.isSynthetic) }
            .map { "\($0.fullName) (\($0.isFinished ? "finished" : "no address"))" }.sorted()
    }

    /// Answers a pair from the policies of both sides.
    public func answer(_ question: PairQuestion) throws(PairError) -> PairAnswer {
        guard let number = Flow.number(of: question.protocol) else {
            throw PairError(description: "protocol \(question.protocol): use TCP, UDP or SCTP")
        }
        guard (1...65535).contains(question.port) else {
            throw PairError(description: "port \(question.port): must be between 1 and 65535")
        }
        var flow = Flow(
            source: try end(question.source), destination: try end(question.destination),
            protocol: number, port: question.port)
        // Addresses of one family speak to each other.
        for family in [IPAddress.Family.v4, .v6] {
            guard let source = address(flow.source, family),
                let destination = address(flow.destination, family)
            else { continue }
            flow.source.address = source
            flow.destination.address = destination
            break
        }
        return PairAnswer(
            question: question, egress: why(flow, .egress), ingress: why(flow, .ingress))
    }

    private func end(_ text: String) throws(PairError) -> FlowEnd {
        if text.hasPrefix("ip:") {
            guard let address = IPAddress(text.dropFirst(3)) else {
                throw PairError(description: "\(text): not an IP address")
            }
            return FlowEnd(pod: pod(at: address), address: address)
        }
        guard let pod = pod(text) else {
            throw PairError(description: "\(text): no such Pod in the cluster (use namespace/name)")
        }
        return FlowEnd(pod: pod, address: pods[pod].addresses.first)
    }

    private func address(_ end: FlowEnd, _ family: IPAddress.Family) -> IPAddress? {
        guard let pod = end.pod else { return end.address?.family == family ? end.address : nil }
        return pods[pod].address(family)
    }

    func why(_ flow: Flow, _ direction: Direction) -> DirectionWhy {
        let stage = networkPolicies
        // A Pod cannot cut itself off from itself, nor from its node.
        let isItself = flow.source.pod != nil && flow.source.pod == flow.destination.pod
        guard let subject = direction.subject(of: flow).pod, !isItself,
            !isFromOwnNode(flow, direction)
        else {
            return DirectionWhy(allowed: true, isDefault: true, policies: [])
        }
        var allowing: [DirectionWhy.PolicyWhy] = []
        var refusing: [DirectionWhy.PolicyWhy] = []
        for policy in stage.policies {
            guard policy.subjects.contains(subject), let rules = policy.rules(direction) else {
                continue
            }
            let peer = direction.peer(of: flow)
            if let match = rules.firstIndex(where: { stage.matches($0, flow, direction) }) {
                allowing.append(.init(policy: policy.fullName, rule: match + 1))
            } else if rules.isEmpty {
                refusing.append(.init(policy: policy.fullName, reason: .noRules))
            } else if let near = rules.firstIndex(where: { stage.matchesPeer($0, peer) }) {
                refusing.append(.init(policy: policy.fullName, rule: near + 1, reason: .ports))
            } else {
                refusing.append(.init(policy: policy.fullName, reason: .peer))
            }
        }
        if !allowing.isEmpty {
            return DirectionWhy(allowed: true, isDefault: false, policies: allowing)
        }
        return DirectionWhy(
            allowed: refusing.isEmpty, isDefault: refusing.isEmpty, policies: refusing)
    }
}
