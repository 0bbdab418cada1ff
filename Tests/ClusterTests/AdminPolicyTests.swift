import Cluster
import Testing
import Traceflow

/// Kubernetes' policies for administrators, and the order of all families.
struct AdminPolicyTests {
    static let subject = "subject: {namespaces: {}}"
    static let all = "[{namespaces: {}}]"

    /// Policies that all speak of the same pair, in the order they are asked.
    static let families: [(String, String)] = [
        (
            "Antrea, before 220",
            Town.antrea(
                "f0",
                "{tier: platform, priority: 5, appliedTo: [{namespaceSelector: {}}], ingress: [{action: ACT}]}"
            )
        ),
        (
            "ClusterNetworkPolicy, Admin",
            Town.admin(
                "ClusterNetworkPolicy", "f1",
                "{tier: Admin, priority: 1, \(subject), ingress: [{action: ACT, from: \(all)}]}")
        ),
        (
            "Antrea, behind 220",
            Town.antrea(
                "f2",
                "{priority: 1, appliedTo: [{namespaceSelector: {}}], ingress: [{action: ACT}]}")
        ),
        (
            "AdminNetworkPolicy",
            Town.admin(
                "AdminNetworkPolicy", "f3",
                "{priority: 0, \(subject), ingress: [{action: ACT, from: \(all)}]}",
                version: "v1alpha1")
        ),
        ("NetworkPolicy", Town.policy("f4", "{podSelector: {}, ingress: ACT}")),
        (
            "Antrea, baseline",
            Town.antrea(
                "f5",
                "{tier: baseline, priority: 1, appliedTo: [{namespaceSelector: {}}], ingress: [{action: ACT}]}"
            )
        ),
        (
            "ClusterNetworkPolicy, Baseline",
            Town.admin(
                "ClusterNetworkPolicy", "f6",
                "{tier: Baseline, priority: 1, \(subject), ingress: [{action: ACT, from: \(all)}]}")
        ),
    ]

    /// The policy with its action in its own family's words.
    static func written(_ family: Int, allows: Bool) -> String {
        let (_, text) = families[family]
        let action =
            if family == 4 {
                allows ? "[{}]" : "[]"
            } else if text.contains("antrea") {
                allows ? "Allow" : "Drop"
            } else {
                allows ? text.contains("ClusterNetworkPolicy") ? "Accept" : "Allow" : "Deny"
            }
        return text.replacing("ACT", with: action)
    }

    @Test(arguments: families.indices, [true, false])
    func anEarlierFamilyDecidesAgainstALaterOne(first: Int, allows: Bool) throws {
        for second in Self.families.indices.dropFirst(first + 1) {
            let cluster = try Small.cluster(
                Town.documents + [
                    Self.written(second, allows: !allows), Self.written(first, allows: allows),
                ])
            let answer = try Small.ask(cluster, "ops/probe shop/web TCP 80")
            #expect(answer.allowed == allows, "\(Self.families[second].0)")
            #expect(answer.ingress.policies.first?.policy.contains("f\(first)") == true)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var rule: String
        var documents: [String]
        var pairs: [(String, Bool)]
        var testDescription: String { rule }
    }

    static func cnp(_ spec: String, name: String = "p") -> String {
        Town.admin("ClusterNetworkPolicy", name, "{tier: Admin, priority: 5, \(spec)}")
    }

    static let rows: [Row] = [
        Row(
            rule: "Pass ends the admin stage for the pair, and NetworkPolicies decide",
            documents: [
                cnp("\(subject), ingress: [{action: Pass, from: \(all)}]"),
                Town.admin(
                    "AdminNetworkPolicy", "late",
                    "{priority: 9, \(subject), ingress: [{action: Deny, from: \(all)}]}",
                    version: "v1alpha1"),
                Town.policy("np", "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"),
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", true), ("ops/probe shop/web TCP 81", false),
                ("ops/probe lab/toy TCP 81", true),
            ]),
        Row(
            rule: "networks match Pods as well, selectors no address outside",
            documents: [
                cnp(
                    "\(subject), egress: [{action: Deny, to: [{networks: [10.0.2.0/24, 8.0.0.0/8]}]}]"
                )
            ],
            pairs: [
                ("shop/web shop/db TCP 80", false), ("shop/web ops/probe TCP 80", true),
                ("shop/web ip:8.8.8.8 TCP 80", false), ("shop/web ip:9.9.9.9 TCP 80", true),
            ]),
        Row(
            rule: "a named port is any protocol's, on the destination",
            documents: [
                cnp(
                    "\(subject), ingress: [{action: Deny, from: \(all), protocols: [{destinationNamedPort: http}]}]"
                )
            ],
            pairs: [
                ("ops/probe shop/web TCP 8080", false), ("ops/probe shop/web TCP 80", true),
                ("ops/probe shop/db TCP 80", false), ("ops/probe shop/web UDP 8080", true),
            ]),
        Row(
            rule: "a rule whose peer is of a newer kind accepts nothing",
            documents: [
                cnp(
                    "\(subject), ingress: [{action: Accept, from: [{moons: {}}, {namespaces: {}}]}, {action: Deny, from: \(all)}]"
                )
            ], pairs: [("ops/probe shop/web TCP 80", false)]),
        Row(
            rule: "a rule that passes to a newer kind of peer denies everything",
            documents: [
                cnp("\(subject), ingress: [{action: Pass, from: [{moons: {}}]}]")
            ], pairs: [("ops/probe shop/web TCP 80", false)]),
        Row(
            rule: "without a rule that matches nothing is isolated",
            documents: [
                cnp(
                    "subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}, ingress: [{action: Accept, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: db}}}}]}]"
                )
            ], pairs: [("ops/probe shop/web TCP 80", true)]),
        Row(
            rule: "the first v1alpha1 had its namespace selectors a level deeper",
            documents: [
                Town.admin(
                    "AdminNetworkPolicy", "p",
                    "{priority: 5, \(subject), ingress: [{action: Deny, from: [{namespaces: {namespaceSelector: {matchLabels: {team: b}}}}]}, {action: Deny, from: [{pods: {namespaces: {sameLabels: [team]}, podSelector: {matchLabels: {app: db}}}}]}]}",
                    version: "v1alpha1")
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", false), ("lab/toy shop/web TCP 80", true),
                ("shop/db lab/toy TCP 80", false), ("shop/db ops/probe TCP 80", true),
            ]),
    ]

    @Test(arguments: rows)
    func aPolicyDecides(_ row: Row) throws {
        let cluster = try Small.cluster(Town.documents + row.documents)
        for (pair, allowed) in row.pairs {
            #expect(try Small.ask(cluster, pair).allowed == allowed, "\(pair)")
        }
    }

    @Test(arguments: [
        ("{tier: Root, priority: 1, subject: {namespaces: {}}}", "spec.tier"),
        ("{tier: Admin, priority: 1001, subject: {namespaces: {}}}", "spec.priority"),
        ("{tier: Admin, priority: 1, subject: {}}", "spec.subject"),
        (
            "{tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}",
            "spec.ingress[0].action"
        ),
        (
            "{tier: Admin, priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny}]}",
            "spec.ingress[0].from"
        ),
    ])
    func aWrongPolicyIsNamedByItsField(spec: String, field: String) {
        #expect { try Small.cluster([Town.admin("ClusterNetworkPolicy", "p", spec)]) } throws: {
            ($0 as? ManifestError)?.field == field
        }
    }
}
