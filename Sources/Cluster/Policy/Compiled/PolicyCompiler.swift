import Traceflow

/// Turns policies into sets over the Pods of one cluster.
struct PolicyCompiler {
    let index: PodIndex

    func compile(_ policy: Policy) -> CompiledPolicy {
        var subjects = PodSet(count: index.count)
        for selection in policy.subjects { subjects.formUnion(index.select(selection)) }
        // A rule may name subjects of its own where the policy names none.
        for rule in (policy.ingress ?? []) + (policy.egress ?? []) {
            for selection in rule.subjects ?? [] { subjects.formUnion(index.select(selection)) }
        }
        return CompiledPolicy(
            policy: policy, subjects: subjects,
            ingress: (policy.ingress ?? []).flatMap { compile($0, subjects) },
            egress: (policy.egress ?? []).flatMap { compile($0, subjects) })
    }

    private func compile(_ rule: Policy.Rule, _ policySubjects: PodSet) -> [CompiledRule] {
        let own = rule.subjects.map { selections in
            var set = PodSet(count: index.count)
            for selection in selections { set.formUnion(index.select(selection)) }
            return set
        }
        guard rule.isRelative else { return [compile(rule, subjects: own, namespace: nil)] }
        // Once for each namespace that has subjects.
        let all = own ?? policySubjects
        return index.namespaces.compactMap { name in
            let here = all.intersection(index.pods(inNamespace: name))
            return here.isEmpty ? nil : compile(rule, subjects: here, namespace: name)
        }
    }

    private func compile(
        _ rule: Policy.Rule, subjects: PodSet?, namespace: String?
    ) -> CompiledRule {
        var selected = PodSet(count: index.count)
        var blocks: [CompiledRule.Block] = []
        var services: Set<String> = []
        var domains: [String] = []
        for peer in rule.peers ?? [] {
            switch peer {
            case .pods(let selection):
                selected.formUnion(index.select(selection, subject: namespace))
                if case .group(let name) = selection {
                    blocks += index.blocks(of: name).map { .init(range: $0, except: []) }
                }
            case .block(let range, let except): blocks.append(.init(range: range, except: except))
            case .nodes(let selector): blocks += nodeBlocks(selector)
            case .domain(let name): domains.append(name)
            case .service(let name): services.insert(name)
            }
        }
        var pods = PeerPods(v4: selected, v6: selected)
        for block in blocks {
            index.forEachPod(in: block.range) { pod in
                if contains(block, pod) { pods[block.range.network.family].insert(pod) }
            }
        }
        return CompiledRule(
            rule: rule, subjectNamespace: namespace, subjects: subjects,
            isForEverybody: rule.peers == nil, pods: pods, blocks: blocks, services: services,
            domains: domains)
    }

    private func contains(_ block: CompiledRule.Block, _ pod: Int) -> Bool {
        guard !index.pods[pod].isFinished,
            let address = index.pods[pod].address(block.range.network.family)
        else { return false }
        return block.contains(address)
    }

    private func nodeBlocks(_ selector: LabelSelector) -> [CompiledRule.Block] {
        index.nodes.values.sorted { $0.name < $1.name }
            .filter { selector.matches($0.labels) }
            .flatMap { $0.addresses.map { .init(range: CIDR(only: $0), except: []) } }
    }

    /// Brings the policy up to date with a Pod that is new, or has changed, in its place.
    ///
    /// Only the Pod's own bits are asked for anew; the rest stays as it is.
    func update(_ compiled: inout CompiledPolicy, pod: Int) {
        if compiled.policy.isRelative {
            compiled = compile(compiled.policy)
            return
        }
        let policy = compiled.policy
        compiled.subjects.set(
            pod,
            to: isAny(policy.subjects, pod)
                || ((policy.ingress ?? []) + (policy.egress ?? [])).contains { rule in
                    rule.subjects.map { isAny($0, pod) } ?? false
                })
        for rule in compiled.ingress.indices { update(&compiled.ingress[rule], pod) }
        for rule in compiled.egress.indices { update(&compiled.egress[rule], pod) }
    }

    private func isAny(_ selections: [PodSelection], _ pod: Int) -> Bool {
        selections.contains { index.contains($0, pod) }
    }

    private func update(_ compiled: inout CompiledRule, _ pod: Int) {
        if let selections = compiled.rule.subjects {
            compiled.subjects?.set(pod, to: isAny(selections, pod))
        }
        let isSelected = (compiled.rule.peers ?? []).contains { peer in
            if case .pods(let selection) = peer { index.contains(selection, pod) } else { false }
        }
        for family in [IPAddress.Family.v4, .v6] {
            let isInBlock = compiled.blocks.contains {
                $0.range.network.family == family && contains($0, pod)
            }
            compiled.pods[family].set(pod, to: isSelected || isInBlock)
        }
    }
}

extension Policy.Rule {
    /// Whether the peers depend on the namespace of the subject.
    var isRelative: Bool {
        (peers ?? []).contains { peer in
            if case .pods(let selection) = peer { selection.isRelative } else { false }
        }
    }
}

extension Policy {
    var isRelative: Bool { ((ingress ?? []) + (egress ?? [])).contains(where: \.isRelative) }
}
