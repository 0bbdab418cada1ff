import Cluster
import Testing

/// The reasons behind an answer, as short text: `policy: code, …`.
struct WhyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var about: String
        var documents: [String] = []
        var pair = "ops/probe shop/web TCP 80"
        var because: DirectionWhy.Because
        var considered: String
        var testDescription: String { about }
    }

    static let rows: [Row] = [
        Row(about: "nobody speaks of the Pod", because: .noPolicy, considered: ""),
        Row(
            about: "on a default deny every selecting policy is named",
            documents: [
                Town.policy("a", "{podSelector: {}}"),
                Town.policy("b", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"),
                Town.policy("c", "{podSelector: {}, ingress: [{ports: [{port: 81}]}]}"),
                Town.policy("d", "{podSelector: {matchLabels: {app: db}}}"),
            ], because: .defaultDeny,
            considered: "shop/a: no-rules | shop/b: peer [peer] | shop/c: ports [ports]"),
        Row(
            about: "every rule says why it did not match",
            documents: [
                Town.policy(
                    "a",
                    "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {ports: [{port: 81}]}, {}, {}]}"
                )
            ], because: .rule,
            considered: "shop/a: rule 3 [peer, ports, match, not-reached]"),
        Row(
            about: "what comes behind the decision is not reached",
            documents: [
                Town.antrea(
                    "x",
                    "{priority: 1, appliedTo: [{namespaceSelector: {}}], ingress: [{action: Drop, from: [{podSelector: {matchLabels: {app: db}}}]}, {action: Allow, name: open}]}"
                ), Town.policy("a", "{podSelector: {}}"),
            ], because: .rule,
            considered:
                "AntreaClusterNetworkPolicy:x: rule 2 [peer, match] | shop/a: no-rules"),
        Row(
            about: "rules may be applied to others, be about Services, or name domains",
            documents: [
                Town.antrea(
                    "x",
                    "{priority: 1, egress: [{action: Drop, appliedTo: [{podSelector: {matchLabels: {app: db}}}]}, {action: Drop, appliedTo: [{podSelector: {}}], toServices: [{name: s, namespace: shop}]}, {action: Drop, appliedTo: [{podSelector: {}}], to: [{fqdn: a.b}]}]}"
                )
            ], pair: "shop/web ip:1.1.1.1 TCP 80", because: .noMatch,
            considered:
                "AntreaClusterNetworkPolicy:x: domain [applied-to, service, domain]"),
        Row(
            about: "the own node is never kept out",
            documents: [Town.policy("a", "{podSelector: {}}")],
            pair: "ip:192.168.0.1 shop/web TCP 80", because: .ownNode, considered: ""),
        Row(
            about: "a Pod is never kept from itself",
            documents: [Town.policy("a", "{podSelector: {}}")],
            pair: "shop/web shop/web TCP 80", because: .ownPod, considered: ""),
        Row(
            about: "selectors do not select the host network",
            documents: [Town.policy("a", "{podSelector: {}}", in: "ops")],
            pair: "shop/web ops/agent TCP 80", because: .hostNetwork, considered: ""),
        Row(
            about: "addresses outside have no policies", pair: "shop/web ip:1.1.1.1 TCP 80",
            because: .outside, considered: ""),
    ]

    @Test(arguments: rows)
    func anAnswerNamesItsReasons(_ row: Row) throws {
        let cluster = try Small.cluster(Town.documents + row.documents)
        let answer = try Small.ask(cluster, row.pair)
        let why = row.because == .noMatch ? answer.egress : answer.ingress
        #expect(why.because == row.because)
        let text = why.considered.map { policy in
            let rules = policy.rules.map { $0.reason?.rawValue ?? "match" }
            let head = policy.reason?.rawValue ?? "rule \(policy.rule ?? 0)"
            return "\(policy.policy): \(head)"
                + (rules.isEmpty ? "" : " [\(rules.joined(separator: ", "))]")
        }
        #expect(text.joined(separator: " | ") == row.considered)
    }

    @Test func onAnAllowOfNetworkPoliciesEachThatAllowsIsNamed() throws {
        let cluster = try Small.cluster(
            Town.documents + [
                Town.policy("a", "{podSelector: {}, ingress: [{}]}"),
                Town.policy("b", "{podSelector: {}}"),
                Town.policy("c", "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"),
            ])
        let why = try Small.ask(cluster, "ops/probe shop/web TCP 80").ingress
        #expect(why.policies.map(\.policy) == ["shop/a", "shop/c"])
    }

    @Test(
        arguments: [
            ("ops/agent shop/web TCP 80", [.hostNetworkPeer, .newConnections]),
            ("ops/probe shop/web ICMP 0", [.icmpWithoutPorts, .newConnections]),
            ("ops/probe shop/web TCP 80", [.newConnections]), ("shop/web ops/probe TCP 80", []),
        ] as [(String, [DirectionWhy.Note])])
    func openGroundIsSaidToBeAsAntreaHasIt(pair: String, notes: [DirectionWhy.Note]) throws {
        let cluster = try Small.cluster(
            Town.documents + [
                Town.policy("a", "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}")
            ]
        )
        #expect(try Small.ask(cluster, pair).ingress.notes == notes)
    }

    @Test func aRuleWithPortsMatchesNoICMP() throws {
        func answer(_ rule: String) throws -> Bool {
            try Small.ask(
                Small.cluster(
                    Town.documents + [Town.policy("a", "{podSelector: {}, ingress: [\(rule)]}")]),
                "ops/probe shop/web ICMP 0"
            ).allowed
        }
        #expect(try answer("{}"))
        #expect(try !answer("{ports: [{protocol: TCP}, {protocol: UDP}, {protocol: SCTP}]}"))
    }
}
