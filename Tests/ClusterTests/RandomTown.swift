import Cluster
import Testing

/// A repeatable source of chance (SplitMix64).
struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ mixed >> 31) % UInt64(bound))
    }

    mutating func happens(_ part: Int, in whole: Int) -> Bool { below(whole) < part }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}

/// A small cluster out of a seed: Pods of all sorts, policies of all families.
struct RandomTown {
    private var chance: Chance
    /// Stands before each label's key and value, the same everywhere.
    let mark: String
    private(set) var namespaces: [String] = []
    private(set) var nodes: [String] = []
    private(set) var pods: [String] = []
    private(set) var policies: [String] = []

    init(seed: UInt64, mark: String = "") {
        chance = Chance(seed: seed)
        self.mark = mark
        for name in ["alpha", "beta", "gamma"] {
            namespaces.append(
                "{apiVersion: v1, kind: Namespace, metadata: {name: \(name), labels: \(labels())}}")
        }
        for number in 1...2 {
            nodes.append(
                """
                {apiVersion: v1, kind: Node, metadata: {name: n\(number), labels: \(labels())},
                 spec: {podCIDRs: [10.0.\(number).0/24, "fd00:\(number)::/64"]},
                 status: {addresses: [{type: InternalIP, address: 192.168.0.\(number)}]}}
                """)
        }
        for number in 0..<7 { pods.append(pod(number)) }
        for number in 0..<(1 + chance.below(4)) { policies.append(policy(number)) }
    }

    var documents: [String] { namespaces + nodes + pods + policies }

    /// A Pod of this number; another each time.
    mutating func pod(_ number: Int) -> String {
        let node = 1 + chance.below(2)
        let isOnHost = chance.happens(1, in: 12)
        let v4 = "{ip: 10.0.\(node).\(10 + number)}"
        let v6 = "{ip: \"fd00:\(node)::\(10 + number)\"}"
        let addresses =
            isOnHost
            ? "{ip: 192.168.0.\(node)}"
            : chance.pick([v4, v4, "\(v4), \(v6)", "\(v6), \(v4)", v6])
        return """
            {apiVersion: v1, kind: Pod, metadata: {name: p\(number), namespace: \(number % 3 == 0 ? "alpha" : number % 3 == 1 ? "beta" : "gamma"),
             labels: \(labels())}, spec: {nodeName: n\(node), hostNetwork: \(isOnHost),
             serviceAccountName: \(chance.pick(["one", "two"])),
             containers: [{name: c, ports: [{name: \(chance.pick(["web", "dns"])), containerPort: \(chance.pick([80, 81])), protocol: \(chance.pick(["TCP", "UDP"]))}]}]},
             status: {podIPs: [\(addresses)]}}
            """
    }

    /// A policy of this number and of any family; another each time.
    mutating func policy(_ number: Int) -> String {
        switch chance.below(6) {
        case 0, 1: return networkPolicy(number, rule: nil)
        case 2: return antrea(number, in: nil)
        case 3: return antrea(number, in: chance.pick(["alpha", "beta", "gamma"]))
        case 4: return clusterNetworkPolicy(number)
        default: return adminNetworkPolicy(number)
        }
    }

    /// A NetworkPolicy, with a further rule at its end where one is given.
    mutating func networkPolicy(_ number: Int, rule: String?) -> String {
        var sides: [String] = []
        for (side, key) in [("ingress", "from"), ("egress", "to")] where chance.happens(2, in: 3) {
            var rules = (0..<chance.below(3)).map { _ -> String in
                let peers = chance.happens(1, in: 4) ? "" : "\(key): [\(peer()), \(peer())]"
                let ports = chance.happens(1, in: 2) ? "" : "ports: [\(port()), \(port())]"
                return "{" + [peers, ports].filter { !$0.isEmpty }.joined(separator: ", ") + "}"
            }
            if let rule { rules.append(rule) }
            sides.append("\(side): [\(rules.joined(separator: ", "))]")
        }
        let types = chance.pick(["", "policyTypes: [Ingress]", "policyTypes: [Ingress, Egress]"])
        let parts = ["podSelector: \(selector())", types] + sides
        return Town.policy(
            "k\(number)", "{\(parts.filter { !$0.isEmpty }.joined(separator: ", "))}",
            in: chance.pick(["alpha", "beta", "gamma"]))
    }

    private mutating func labels() -> String {
        var texts: [String] = []
        for key in ["a", "b"] where chance.happens(2, in: 3) {
            texts.append("\(mark)\(key): \(mark)\(chance.pick(["x", "y"]))")
        }
        return "{\(texts.joined(separator: ", "))}"
    }

    private mutating func selector() -> String {
        switch chance.below(4) {
        case 0: return "{}"
        case 1:
            return
                "{matchLabels: {\(mark)\(chance.pick(["a", "b"])): \(mark)\(chance.pick(["x", "y"]))}}"
        default:
            let key = "\(mark)\(chance.pick(["a", "b"]))"
            let values = "values: [\(mark)\(chance.pick(["x", "y"]))]"
            let requirement = chance.pick([
                "operator: In, \(values)", "operator: NotIn, \(values)", "operator: Exists",
                "operator: DoesNotExist",
            ])
            return "{matchExpressions: [{key: \(key), \(requirement)}]}"
        }
    }

    private mutating func block() -> String {
        chance.pick([
            "10.0.0.0/16", "10.0.1.0/28", "\"fd00::/16\"", "\"fd00:2::/64\"", "192.168.0.0/24",
        ])
    }

    private mutating func peer() -> String {
        switch chance.below(4) {
        case 0: return "{podSelector: \(selector())}"
        case 1: return "{namespaceSelector: \(selector())}"
        case 2: return "{podSelector: \(selector()), namespaceSelector: \(selector())}"
        default: return "{ipBlock: {cidr: \(block())}}"
        }
    }

    private mutating func port() -> String {
        chance.pick([
            "{port: 80}", "{port: web}", "{protocol: UDP}", "{port: 79, endPort: 80}",
            "{port: dns, protocol: UDP}", "{port: 81}",
        ])
    }

    private mutating func antrea(_ number: Int, in namespace: String?) -> String {
        let tier = chance.pick(["emergency", "platform", "application", "baseline"])
        var sides: [String] = []
        for (side, key) in [("ingress", "from"), ("egress", "to")] where chance.happens(2, in: 3) {
            let rules = (0..<(1 + chance.below(2))).map { _ -> String in
                var peers = [
                    peer(), peer(), "{serviceAccount: {name: one, namespace: alpha}}",
                    "{nodeSelector: \(selector())}",
                ]
                if namespace == nil { peers += ["{namespaces: {match: Self}}"] }
                let actions = ["Allow", "Drop", "Reject"] + (tier == "baseline" ? [] : ["Pass"])
                return "{action: \(chance.pick(actions)), \(key): [\(chance.pick(peers))]"
                    + (chance.happens(1, in: 2) ? "}" : ", ports: [\(port())]}")
            }
            sides.append("\(side): [\(rules.joined(separator: ", "))]")
        }
        let spec = ["tier: \(tier)", "priority: \(1 + chance.below(3))"] + sides
        return Town.antrea(
            "t\(number)",
            "{appliedTo: [{podSelector: \(selector())}], \(spec.joined(separator: ", "))}",
            in: namespace)
    }

    private mutating func adminPeer() -> String {
        switch chance.below(3) {
        case 0: return "{namespaces: \(selector())}"
        case 1: return "{pods: {namespaceSelector: \(selector()), podSelector: \(selector())}}"
        default: return "{networks: [\(block())]}"
        }
    }

    private mutating func clusterNetworkPolicy(_ number: Int) -> String {
        var sides: [String] = []
        for (side, key) in [("ingress", "from"), ("egress", "to")] where chance.happens(2, in: 3) {
            let port = chance.pick([
                "", ", protocols: [{tcp: {destinationPort: {number: 80}}}]",
                ", protocols: [{destinationNamedPort: web}]", ", protocols: [{udp: {}}]",
            ])
            sides.append(
                "\(side): [{action: \(chance.pick(["Accept", "Deny", "Pass"])), \(key): [\(adminPeer()), \(adminPeer())]\(port)}]"
            )
        }
        let spec =
            ["tier: \(chance.pick(["Admin", "Baseline"]))", "priority: \(chance.below(3))"] + sides
        return Town.admin(
            "ClusterNetworkPolicy", "c\(number)",
            "{subject: {namespaces: \(selector())}, \(spec.joined(separator: ", "))}")
    }

    private mutating func adminNetworkPolicy(_ number: Int) -> String {
        let rule = "{action: \(chance.pick(["Allow", "Deny", "Pass"])), from: [\(adminPeer())]}"
        return Town.admin(
            "AdminNetworkPolicy", "d\(number)",
            "{priority: \(chance.below(3)), subject: {pods: {namespaceSelector: \(selector()), podSelector: \(selector())}}, ingress: [\(rule)]}",
            version: "v1alpha1")
    }
}
