import Traceflow

/// The reasons behind a decision, told of the same compiled rules that decide.
extension Cluster {
    func why(_ flow: Flow, _ direction: Direction) -> DirectionWhy {
        if let exempt = exemption(flow, direction) {
            return DirectionWhy(allowed: true, because: exempt, policies: [])
        }
        guard let subject = direction.subject(of: flow).pod else {
            return DirectionWhy(allowed: true, because: .outside, policies: [])
        }
        let judgement = judge(flow, direction)
        let decision = judgement.decision
        let selecting = policies.policies.filter { $0.selects(subject, direction) }
        let decided = selecting.firstIndex { $0.policy.name == decision.reference?.policy }
        let considered = selecting.enumerated().map { place, policy -> DirectionWhy.PolicyWhy in
            let isLate =
                switch policy.stage {
                case .tiers: decided.map { place > $0 } ?? false
                case .networkPolicies: decided.map { selecting[$0].stage == .tiers } ?? false
                case .baseline: decision == .isolated || decided.map { place > $0 } ?? false
                }
            return self.why(policy, flow, direction, subject, isLate: isLate)
        }
        let allows = considered.filter { $0.reason == nil }
        let because: DirectionWhy.Because
        var told = considered
        switch decision {
        case .allowed, .dropped, .rejected:
            because = .rule
            // Of NetworkPolicies all that allow count; elsewhere the first rule alone.
            let isUnion = decided.map { selecting[$0].stage == .networkPolicies } ?? false
            told =
                isUnion
                ? zip(selecting, considered).filter {
                    $0.stage == .networkPolicies && $1.reason == nil
                }.map(\.1) : allows.filter { $0.fullName == decision.reference?.policy.description }
        case .isolated:
            because = .defaultDeny
            told = zip(selecting, considered).filter { $0.0.stage == .networkPolicies }.map(\.1)
        case .undecided:
            because = selecting.isEmpty ? (isOnHost(subject) ? .hostNetwork : .noPolicy) : .noMatch
        }
        var answer = DirectionWhy(
            allowed: decision.passes, because: because, policies: told, considered: considered)
        answer.isCertain = judgement.isCertain
        if case .rejected = decision { answer.isRejected = true }
        answer.notes = notes(flow, direction, selecting)
        return answer
    }

    private func notes(
        _ flow: Flow, _ direction: Direction, _ selecting: [CompiledPolicy]
    ) -> [DirectionWhy.Note] {
        guard !selecting.isEmpty else { return [] }
        var notes: [DirectionWhy.Note] = []
        if let peer = direction.peer(of: flow).pod, isOnHost(peer) {
            notes.append(.hostNetworkPeer)
        }
        let hasPorts = selecting.contains { policy in
            policy.rules(direction).contains { $0.rule.ports != nil }
        }
        if flow.headers.isICMP, hasPorts { notes.append(.icmpWithoutPorts) }
        return notes + [.newConnections]
    }

    private func isOnHost(_ pod: Int) -> Bool { pods[pod].usesHostNetwork }

    /// What no policy is asked about.
    private func exemption(_ flow: Flow, _ direction: Direction) -> DirectionWhy.Because? {
        if flow.service == nil, let pod = flow.source.pod, pod == flow.destination.pod {
            return .ownPod
        }
        guard direction == .ingress, let address = flow.source.address,
            let node = flow.destination.pod.flatMap({ pods[$0].nodeName }),
            nodes[node]?.addresses.contains(address) ?? false
        else { return nil }
        return .ownNode
    }

    private func why(
        _ policy: CompiledPolicy, _ flow: Flow, _ direction: Direction, _ subject: Int,
        isLate: Bool
    ) -> DirectionWhy.PolicyWhy {
        var told = DirectionWhy.PolicyWhy(
            policy: policy.policy.name.short, fullName: policy.policy.name.description,
            tier: policy.policy.tierName, rules: [])
        for rule in policy.policy.rules(direction) ?? [] {
            // A rule that was made anew for each namespace stands for its subject's here.
            let mine = policy.rules(direction).first {
                $0.rule.number == rule.number
                    && ($0.subjectNamespace == nil
                        || $0.subjectNamespace == pods[subject].namespace)
            }
            var reason = mine.map { self.reason($0, flow, direction, subject) } ?? .peer
            if isLate || told.hasDecided { reason = .notReached }
            told.rules.append(
                .init(
                    number: rule.number, name: rule.name, action: rule.action.rawValue,
                    reason: reason))
        }
        told.sumUp(isLate: isLate)
        return told
    }

    /// Nil when the rule matches.
    private func reason(
        _ rule: CompiledRule, _ flow: Flow, _ direction: Direction, _ subject: Int
    ) -> DirectionWhy.Reason? {
        if let subjects = rule.subjects, !subjects.contains(subject) { return .appliedTo }
        let peer = direction.peer(of: flow)
        let ports = PortSet(rule.rule.ports, flow.headers)
        let hasPorts = ports.admits(flow.destination.pod, policies.index)
        if rule.holds(peer, service: flow.service) { return hasPorts ? nil : .ports }
        if !rule.services.isEmpty { return .service }
        if rule.mayHold(peer), hasPorts { return .domain }
        return .peer
    }
}

extension DirectionWhy.PolicyWhy {
    fileprivate var hasDecided: Bool {
        rules.contains { $0.reason == nil && $0.action != PolicyAction.pass.rawValue }
    }

    /// The policy's own line, of those of its rules.
    fileprivate mutating func sumUp(isLate: Bool) {
        let match = rules.first { $0.reason == nil }
        let near = match ?? rules.first { $0.reason == .ports }
        rule = near?.number
        ruleName = near?.name
        action = match?.action
        if match != nil { return }
        if rules.isEmpty {
            reason = .noRules
        } else if isLate {
            reason = .notReached
        } else {
            let order: [DirectionWhy.Reason] = [.ports, .domain, .service, .peer, .appliedTo]
            reason = order.first { code in rules.contains { $0.reason == code } } ?? .peer
        }
    }
}
