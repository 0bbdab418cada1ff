/// Something in a cluster's manifests that is allowed, and hardly meant.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
    /// What was found: a closed list.
    public enum Code: String, Sendable, CaseIterable {
        /// A policy is applied to no Pod.
        case selectsNothing = "selects-nothing"
        /// A peer of a rule is nobody's.
        case peerMatchesNothing = "peer-matches-nothing"
        /// A named port that no Pod has.
        case unknownPortName = "unknown-port-name"
        /// A rule that an earlier one leaves nothing to decide.
        case shadowedRule = "shadowed-rule"
        /// A Service with a port behind which nobody is.
        case serviceWithoutEndpoints = "service-without-endpoints"
    }

    public var code: Code
    public var file: String
    public var line: Int
    /// The object, as `family:namespace/name` or `Service:namespace/name`.
    public var object: String
    public var message: String

    public var description: String { "\(file):\(line): \(object): \(message) [\(code.rawValue)]" }
}

extension Cluster {
    /// What looks wrong in the policies and Services, in the order of evaluation and of names.
    public func findings() -> [Finding] {
        policies.policies.flatMap { policy in
            selecting(policy) + peers(policy) + portNames(policy)
        } + shadowed() + services.values.sorted { $0.fullName < $1.fullName }.flatMap(endpoints)
    }

    private func finding(_ code: Finding.Code, _ policy: Policy, _ message: String) -> Finding {
        Finding(
            code: code, file: policy.file, line: policy.line, object: "\(policy.name)",
            message: message)
    }

    private func selecting(_ compiled: CompiledPolicy) -> [Finding] {
        guard compiled.subjects.isEmpty else { return [] }
        return [finding(.selectsNothing, compiled.policy, "it is applied to no Pod")]
    }

    private func rules(_ policy: Policy) -> [(side: String, rule: Policy.Rule)] {
        [("ingress", policy.ingress), ("egress", policy.egress)].flatMap { side, rules in
            (rules ?? []).map { (side, $0) }
        }
    }

    private func peers(_ compiled: CompiledPolicy) -> [Finding] {
        let index = policies.index
        let subjects = compiled.subjects.members.map { pods[$0].namespace }
        return rules(compiled.policy).flatMap { side, rule in
            (rule.peers ?? []).enumerated().compactMap { number, peer -> Finding? in
                guard case .pods(let selection) = peer else { return nil }
                if case .group(let name) = selection, !index.blocks(of: name).isEmpty { return nil }
                let namespaces: [String?] =
                    selection.isRelative ? Set(subjects).sorted() : [nil]
                let isNobody = namespaces.allSatisfy {
                    index.select(selection, subject: $0).isEmpty
                }
                guard isNobody else { return nil }
                return finding(
                    .peerMatchesNothing, compiled.policy,
                    "\(side) rule \(rule.number), peer \(number + 1) matches no Pod")
            }
        }
    }

    private func portNames(_ compiled: CompiledPolicy) -> [Finding] {
        rules(compiled.policy).flatMap { side, rule in
            (rule.ports ?? []).compactMap { port -> Finding? in
                guard case .named(let name) = port.number,
                    !policies.index.isKnownPort(name)
                else { return nil }
                return finding(
                    .unknownPortName, compiled.policy,
                    "\(side) rule \(rule.number): no Pod has a port named \"\(name)\"")
            }
        }
    }

    private func endpoints(_ service: Service) -> [Finding] {
        guard !service.isExternalName else { return [] }
        return service.ports.compactMap { port in
            let all = [.v4, .v6].flatMap { endpoints(of: service, port, $0) }
            guard all.isEmpty else { return nil }
            return Finding(
                code: .serviceWithoutEndpoints, file: service.file, line: service.line,
                object: "Service:\(service.fullName)",
                message: "nobody is behind port \(port.protocol)/\(port.number)")
        }
    }
}
