/// All policies of a cluster, compiled, in their order of evaluation.
struct CompiledPolicies: Sendable {
    private(set) var policies: [CompiledPolicy]
    private(set) var index: PodIndex

    init(_ policies: some Sequence<Policy>, _ index: PodIndex) {
        self.index = index
        let compiler = PolicyCompiler(index: index)
        self.policies = policies.sorted { $0.rank < $1.rank }.map(compiler.compile)
    }

    func chain(
        of subject: Int, _ direction: Direction, _ headers: Headers, prefersV6: Bool = false
    ) -> RuleChain {
        RuleChain(of: subject, direction, headers, in: policies, index, prefersV6: prefersV6)
    }

    /// Takes the policies over as they are now; only those that differ are compiled.
    mutating func replace(with all: [PolicyName: Policy]) {
        policies.removeAll { all[$0.policy.name] != $0.policy }
        let known = Set(policies.map(\.policy.name))
        let compiler = PolicyCompiler(index: index)
        for policy in all.values where !known.contains(policy.name) {
            let place =
                policies.firstIndex { policy.rank < $0.policy.rank } ?? policies.endIndex
            policies.insert(compiler.compile(policy), at: place)
        }
    }

    /// Asks anew about the Pod in this place, in the index as it is now.
    mutating func update(pod: Int, _ index: PodIndex) {
        self.index = index
        let compiler = PolicyCompiler(index: index)
        for number in policies.indices { compiler.update(&policies[number], pod: pod) }
    }

    /// Takes in a Pod that stands at the end of the index.
    mutating func append(_ index: PodIndex) {
        for number in policies.indices { policies[number].forEachSet { $0.grow() } }
        update(pod: index.count - 1, index)
    }

    /// Takes out the Pod that stood in this place.
    mutating func remove(pod: Int, _ index: PodIndex) {
        self.index = index
        for number in policies.indices { policies[number].forEachSet { $0.removePlace(of: pod) } }
        // A namespace that lost its last Pod has no copies of rules any more.
        let compiler = PolicyCompiler(index: index)
        for number in policies.indices where policies[number].policy.isRelative {
            policies[number] = compiler.compile(policies[number].policy)
        }
    }
}

extension CompiledPolicy {
    /// Hands over each set of Pods to be changed.
    mutating func forEachSet(_ change: (inout PodSet) -> Void) {
        change(&subjects)
        for rule in ingress.indices { ingress[rule].forEachSet(change) }
        for rule in egress.indices { egress[rule].forEachSet(change) }
    }
}

extension CompiledRule {
    fileprivate mutating func forEachSet(_ change: (inout PodSet) -> Void) {
        if var own = subjects {
            change(&own)
            subjects = own
        }
        change(&pods.v4)
        change(&pods.v6)
    }
}
