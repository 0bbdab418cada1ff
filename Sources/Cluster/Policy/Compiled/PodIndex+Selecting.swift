import Traceflow

/// Selectors turned into sets, and asked about one Pod.
extension PodIndex {
    /// The Pods of a selection, applied to Pods of `subject`'s namespace where that matters.
    func select(_ selection: PodSelection, subject: String? = nil) -> PodSet {
        switch selection {
        case .labels(let selector, let choice):
            var set = select(choice, subject: subject)
            if let selector { narrow(&set, to: selector) }
            return set
        case .serviceAccount(let namespace, let name):
            var set = PodSet(count: count)
            for pod in pods(inNamespace: namespace).members
            where pods[pod].serviceAccount == name { set.insert(pod) }
            return set
        case .group(let name):
            var set = PodSet(count: count)
            for part in selections(of: name) { set.formUnion(select(part)) }
            return set
        }
    }

    /// Whether the selection holds the Pod: what `select` says of it, without the rest.
    func contains(_ selection: PodSelection, _ pod: Int, subject: String? = nil) -> Bool {
        let candidate = pods[pod]
        guard candidate.canBeSelected else { return false }
        switch selection {
        case .labels(let selector, let choice):
            return choice.contains(
                candidate.namespace, subject: subject, labels: labels(ofNamespace:))
                && selector?.matches(candidate.labels) ?? true
        case .serviceAccount(let namespace, let name):
            return candidate.namespace == namespace && candidate.serviceAccount == name
        case .group(let name):
            return selections(of: name).contains { contains($0, pod) }
        }
    }

    private func select(_ choice: PodSelection.NamespaceChoice, subject: String?) -> PodSet {
        switch choice {
        case .all: return selectable
        case .named(let name): return pods(inNamespace: name)
        case .subjects: return subject.map(pods(inNamespace:)) ?? PodSet(count: count)
        case .matching, .sharing, .notSharing:
            var set = PodSet(count: count)
            for name in namespaces
            where choice.contains(name, subject: subject, labels: labels(ofNamespace:)) {
                set.formUnion(pods(inNamespace: name))
            }
            return set
        }
    }

    private func narrow(_ set: inout PodSet, to selector: LabelSelector) {
        for requirement in selector.requirements {
            switch requirement {
            case .isIn(let key, let values): set.formIntersection(pods(withLabel: key, in: values))
            case .notIn(let key, let values): set.subtract(pods(withLabel: key, in: values))
            case .exists(let key): set.formIntersection(pods(withLabel: key))
            case .doesNotExist(let key): set.subtract(pods(withLabel: key))
            }
        }
    }

    private func pods(withLabel key: String, in values: Set<String>) -> PodSet {
        var set = PodSet(count: count)
        for value in values {
            for pod in pods(withLabel: key, value) { set.insert(Int(pod)) }
        }
        return set
    }

    /// What a group and the groups it names come to; a group that names itself adds nothing.
    func selections(of name: GroupName) -> [PodSelection] {
        reach(name).flatMap { groups[$0]?.selections ?? [] }
    }

    func blocks(of name: GroupName) -> [CIDR] {
        reach(name).flatMap { groups[$0]?.blocks ?? [] }
    }

    private func reach(_ name: GroupName) -> [GroupName] {
        var known = [name]
        var next = 0
        while next < known.count {
            for child in groups[known[next]]?.children ?? [] where !known.contains(child) {
                known.append(child)
            }
            next += 1
        }
        return known
    }
}
