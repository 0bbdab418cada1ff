import Traceflow

/// NetworkPolicy v1, compiled: one set of subjects a policy, one set of peers a rule.
struct NetworkPolicyStage: PolicyStage {
    struct CompiledRule: Sendable {
        var everybody: Bool
        var pods: PodSet
        var blocks: [(range: CIDR, except: [CIDR])]
        var ports: [NetworkPolicy.Port]
    }

    struct CompiledPolicy: Sendable {
        var fullName: String
        var subjects: PodSet
        var ingress: [CompiledRule]?
        var egress: [CompiledRule]?

        func rules(_ direction: Direction) -> [CompiledRule]? {
            switch direction {
            case .egress: egress
            case .ingress: ingress
            }
        }
    }

    /// By namespace and name: of several that allow, the first is the one reported.
    let policies: [CompiledPolicy]
    private let pods: [Pod]

    init(
        _ policies: [NetworkPolicy], pods: [Pod], namespaceLabels: (String) -> [String: String]
    ) {
        self.pods = pods
        var labels: [String: [String: String]] = [:]
        for pod in pods where labels[pod.namespace] == nil {
            labels[pod.namespace] = namespaceLabels(pod.namespace)
        }
        self.policies =
            policies
            .sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
            .map { policy in
                let compile = { (rules: [NetworkPolicy.Rule]) in
                    rules.map { Self.compile($0, policy, pods, labels) }
                }
                return CompiledPolicy(
                    fullName: "\(policy.namespace)/\(policy.name)",
                    subjects: Self.select(pods) {
                        $0.namespace == policy.namespace && policy.selector.matches($0.labels)
                    },
                    ingress: policy.ingress.map(compile), egress: policy.egress.map(compile))
            }
    }

    private static func select(_ pods: [Pod], _ wanted: (Pod) -> Bool) -> PodSet {
        var set = PodSet(count: pods.count)
        for (index, pod) in pods.enumerated()
        where !pod.usesHostNetwork && !pod.isFinished && wanted(pod) {
            set.insert(index)
        }
        return set
    }

    private static func compile(
        _ rule: NetworkPolicy.Rule, _ policy: NetworkPolicy, _ pods: [Pod],
        _ labels: [String: [String: String]]
    ) -> CompiledRule {
        var blocks: [(range: CIDR, except: [CIDR])] = []
        var selectors: [(pods: LabelSelector?, namespaces: LabelSelector?)] = []
        for peer in rule.peers {
            switch peer {
            case .block(let range, let except): blocks.append((range, except))
            case .pods(let pods, let namespaces): selectors.append((pods, namespaces))
            }
        }
        let set = select(pods) { pod in
            selectors.contains { selector in
                let isInNamespace =
                    selector.namespaces.map { $0.matches(labels[pod.namespace] ?? [:]) }
                    ?? (pod.namespace == policy.namespace)
                return isInNamespace && (selector.pods?.matches(pod.labels) ?? true)
            }
        }
        return CompiledRule(
            everybody: rule.peers.isEmpty, pods: set, blocks: blocks, ports: rule.ports)
    }

    func judge(_ flow: Flow, _ direction: Direction) -> StageVerdict {
        guard let subject = direction.subject(of: flow).pod else { return .undecided }
        var isIsolated = false
        for policy in policies {
            guard policy.subjects.contains(subject), let rules = policy.rules(direction) else {
                continue
            }
            isIsolated = true
            if rules.contains(where: { matches($0, flow, direction) }) {
                return .allowed(PolicyRule(policy: "K8sNetworkPolicy:\(policy.fullName)"))
            }
        }
        return isIsolated ? .deniedByDefault : .undecided
    }

    func matches(_ rule: CompiledRule, _ flow: Flow, _ direction: Direction) -> Bool {
        matchesPeer(rule, direction.peer(of: flow)) && matchesPort(rule, flow)
    }

    func matchesPeer(_ rule: CompiledRule, _ peer: FlowEnd) -> Bool {
        if rule.everybody { return true }
        if let pod = peer.pod, rule.pods.contains(pod) { return true }
        guard let address = peer.address else { return false }
        return rule.blocks.contains { block in
            block.range.contains(address) && !block.except.contains { $0.contains(address) }
        }
    }

    func matchesPort(_ rule: CompiledRule, _ flow: Flow) -> Bool {
        if rule.ports.isEmpty { return true }
        return rule.ports.contains { port in
            guard port.protocol == flow.protocol else { return false }
            switch port.match {
            case .any: return true
            case .range(let range): return flow.port.map { range.contains($0) } ?? false
            case .named(let name):
                guard let pod = flow.destination.pod, let wanted = flow.port else { return false }
                return pods[pod].ports.contains {
                    $0.name == name && $0.number == wanted
                        && Flow.number(of: $0.protocol) == flow.protocol
                }
            }
        }
    }
}
