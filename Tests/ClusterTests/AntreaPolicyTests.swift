import Cluster
import Testing
import Traceflow

/// Antrea's own policies, rule by rule (antrea docs/antrea-network-policy.md).
struct AntreaPolicyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var rule: String
        var documents: [String]
        var pairs: [(String, Verdict)]
        var testDescription: String { rule }
    }

    static let everywhere = "appliedTo: [{namespaceSelector: {}}]"
    static let web = "appliedTo: [{podSelector: {matchLabels: {app: web}}}]"

    static let rows: [Row] = [
        Row(
            rule: "there is no isolation: what no rule names passes",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), ingress: [{action: Allow, from: [{podSelector: {matchLabels: {app: db}}}]}]}"
                )
            ], pairs: [("ops/probe shop/web TCP 80", .delivered)]),
        Row(
            rule: "Drop is silent, Reject answers",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), ingress: [{action: Drop, ports: [{port: 80}]}, {action: Reject}]}"
                )
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", .dropped), ("ops/probe shop/web TCP 81", .rejected),
            ]),
        Row(
            rule: "a lower tier comes first whatever the priorities, own tiers too",
            documents: [
                "{apiVersion: crd.antrea.io/v1beta1, kind: Tier, metadata: {name: mine}, spec: {priority: 40}}",
                Town.antrea(
                    "late", "{tier: emergency, priority: 1, \(web), ingress: [{action: Drop}]}"),
                Town.antrea(
                    "first", "{tier: mine, priority: 9, \(web), ingress: [{action: Allow}]}"),
            ], pairs: [("ops/probe shop/web TCP 80", .delivered)]),
        Row(
            rule: "inside a tier priority decides, fractions too",
            documents: [
                Town.antrea("a", "{priority: 5.5, \(web), ingress: [{action: Drop}]}"),
                Town.antrea("b", "{priority: 5.4, \(web), ingress: [{action: Allow}]}"),
            ], pairs: [("ops/probe shop/web TCP 80", .delivered)]),
        Row(
            rule: "Allow comes before the isolation by a NetworkPolicy",
            documents: [
                Town.policy("np", "{podSelector: {}}"),
                Town.antrea("a", "{priority: 5, \(web), ingress: [{action: Allow}]}"),
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", .delivered), ("ops/probe shop/db TCP 80", .dropped),
            ]),
        Row(
            rule: "Pass skips the other tiers, and NetworkPolicies decide",
            documents: [
                Town.policy("np", "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"),
                Town.antrea("a", "{priority: 5, \(web), ingress: [{action: Pass}]}"),
                Town.antrea("b", "{priority: 6, \(web), ingress: [{action: Drop}]}"),
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", .delivered), ("ops/probe shop/web TCP 81", .dropped),
            ]),
        Row(
            rule: "the baseline is for what NetworkPolicies leave open, and behind a Pass",
            documents: [
                Town.policy("np", "{podSelector: {matchLabels: {app: db}}, ingress: [{}]}"),
                Town.antrea("a", "{priority: 5, \(web), ingress: [{action: Pass}]}"),
                Town.antrea(
                    "base",
                    "{tier: baseline, priority: 5, \(everywhere), ingress: [{action: Drop}]}"
                ),
            ],
            pairs: [
                ("ops/probe shop/db TCP 80", .delivered), ("ops/probe shop/web TCP 80", .dropped),
            ]),
        Row(
            rule: "the default deny of NetworkPolicies is final, the baseline is not reached",
            documents: [
                Town.policy("np", "{podSelector: {}}"),
                Town.antrea(
                    "base", "{tier: baseline, priority: 5, \(web), ingress: [{action: Allow}]}"),
            ], pairs: [("ops/probe shop/web TCP 80", .dropped)]),
        Row(
            rule: "a namespaced policy selects in its namespace, a cluster's in all",
            documents: [
                Town.antrea("one", "{priority: 5, \(web), ingress: [{action: Drop}]}", in: "lab")
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", .delivered), ("ops/probe lab/toy TCP 80", .dropped),
            ]),
        Row(
            rule: "appliedTo may stand in the rules",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, ingress: [{action: Drop, \(web), ports: [{port: 80}]}, {action: Drop, appliedTo: [{podSelector: {matchLabels: {app: db}}}]}]}"
                )
            ],
            pairs: [
                ("ops/probe shop/web TCP 80", .dropped), ("ops/probe shop/web TCP 81", .delivered),
                ("ops/probe shop/db TCP 81", .dropped),
            ]),
        Row(
            rule: "appliedTo may name service accounts",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, appliedTo: [{serviceAccount: {namespace: shop, name: db-account}}], ingress: [{action: Drop}]}"
                )
            ],
            pairs: [
                ("ops/probe shop/db TCP 80", .dropped), ("ops/probe shop/web TCP 80", .delivered),
            ]),
        Row(
            rule: "namespaces: Self means the subject's own",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(everywhere), ingress: [{action: Allow, from: [{namespaces: {match: Self}}]}, {action: Drop}]}"
                )
            ],
            pairs: [
                ("shop/db shop/web TCP 80", .delivered), ("lab/toy shop/web TCP 80", .dropped),
            ]),
        Row(
            rule: "sameLabels means namespaces with the same values",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(everywhere), ingress: [{action: Allow, from: [{namespaces: {sameLabels: [team]}}]}, {action: Drop}]}"
                )
            ],
            pairs: [
                ("lab/toy shop/web TCP 80", .delivered), ("ops/probe shop/web TCP 80", .dropped),
            ]),
        Row(
            rule: "groups hold selectors, addresses and other groups",
            documents: [
                "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterGroup, metadata: {name: inner}, spec: {podSelector: {matchLabels: {app: db}}}}",
                "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterGroup, metadata: {name: far}, spec: {ipBlocks: [{cidr: 8.0.0.0/8}]}}",
                "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterGroup, metadata: {name: all}, spec: {childGroups: [inner, far]}}",
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), ingress: [{action: Drop, from: [{group: all}]}]}"),
            ],
            pairs: [
                ("shop/db shop/web TCP 80", .dropped), ("ip:8.8.8.8 shop/web TCP 80", .dropped),
                ("ops/probe shop/web TCP 80", .delivered),
            ]),
        Row(
            rule: "a namespaced policy's group is of its namespace",
            documents: [
                "{apiVersion: crd.antrea.io/v1beta1, kind: Group, metadata: {name: g, namespace: shop}, spec: {podSelector: {}}}",
                Town.antrea(
                    "p", "{priority: 5, appliedTo: [{group: g}], ingress: [{action: Drop}]}",
                    in: "shop"),
            ],
            pairs: [
                ("ops/probe shop/db TCP 80", .dropped), ("ops/probe lab/toy TCP 80", .delivered),
            ]),
        Row(
            rule: "nodes are peers by their addresses, and so are their host-network Pods",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), egress: [{action: Drop, to: [{nodeSelector: {matchLabels: {role: core}}}]}]}"
                )
            ],
            pairs: [
                ("shop/web ip:192.168.0.2 TCP 80", .dropped),
                ("shop/web ops/agent TCP 80", .dropped),
                ("shop/web ip:192.168.0.1 TCP 80", .delivered),
            ]),
        Row(
            rule:
                "what addresses a domain name has is unknown, unless the answer is the same anyway",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), egress: [{action: Drop, to: [{fqdn: \"*.example.com\"}], ports: [{port: 443}]}]}"
                )
            ],
            pairs: [
                ("shop/web ip:1.1.1.1 TCP 443", .unknown),
                ("shop/web ip:1.1.1.1 TCP 80", .delivered),
                ("shop/web shop/db TCP 443", .delivered),
            ]),
        Row(
            rule: "endPort and source ports bound a rule",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), ingress: [{action: Drop, ports: [{port: 80, endPort: 90}, {sourcePort: 53}]}]}"
                )
            ],
            pairs: [
                ("ops/probe shop/web TCP 90", .dropped), ("ops/probe shop/web TCP 91", .delivered),
            ]),
        Row(
            rule: "ICMP protocols match no port",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), ingress: [{action: Drop, protocols: [{icmp: {icmpType: 8}}]}]}"
                )
            ], pairs: [("ops/probe shop/web TCP 80", .delivered)]),
        Row(
            rule: "toServices is about traffic through the Service alone",
            documents: [
                Town.antrea(
                    "p",
                    "{priority: 5, \(web), egress: [{action: Drop, toServices: [{name: db, namespace: shop}]}]}"
                )
            ], pairs: [("shop/web shop/db TCP 80", .delivered)]),
    ]

    @Test(arguments: rows)
    func aPolicyDecides(_ row: Row) throws {
        let cluster = try Small.cluster(Town.documents + row.documents)
        for (pair, verdict) in row.pairs {
            #expect(try Small.ask(cluster, pair).verdict == verdict, "\(pair)")
        }
    }

    @Test(arguments: [
        ("{appliedTo: [{podSelector: {}}]}", "spec.priority"),
        ("{priority: 0, appliedTo: [{podSelector: {}}]}", "spec.priority"),
        ("{priority: 1, tier: none, appliedTo: [{podSelector: {}}]}", "spec.tier"),
        ("{priority: 1, ingress: [{action: Drop}]}", "spec.ingress[0].appliedTo"),
        (
            "{priority: 1, appliedTo: [{podSelector: {}}], ingress: [{action: Deny}]}",
            "spec.ingress[0].action"
        ),
        (
            "{priority: 1, appliedTo: [{podSelector: {}}], egress: [{action: Drop, to: [{fqdn: a.b}], toServices: [{name: s}]}]}",
            "spec.egress[0].toServices[0]"
        ),
        (
            "{priority: 1, tier: baseline, appliedTo: [{podSelector: {}}], egress: [{action: Pass}]}",
            "spec"
        ),
    ])
    func aWrongPolicyIsNamedByItsField(spec: String, field: String) {
        #expect { try Small.cluster([Town.antrea("p", spec)]) } throws: {
            ($0 as? ManifestError)?.field == field && ($0 as? ManifestError)?.line != nil
        }
    }

    /// The names are those that Antrea's own tests give (mutate_test.go).
    @Test(
        arguments: [
            (
                "ingress: [{action: Allow, from: [{podSelector: {matchLabels: {foo1: bar1}}}]}]",
                "t/a t/b TCP 80", "ingress-allow-c4f16d3"
            ),
            (
                "ingress: [{action: Allow, from: [{podSelector: {matchLabels: {foo2: bar2}}}]}]",
                "t/b t/a TCP 80", "ingress-allow-be87b58"
            ),
            (
                "egress: [{action: Allow, to: [{podSelector: {matchLabels: {foo2: bar2}}}]}]",
                "t/a t/b TCP 80", "egress-allow-44b2575"
            ),
        ])
    func aRuleWithoutANameIsNamedByDirectionActionAndContent(
        rules: String, pair: String, name: String
    ) throws {
        let cluster = try Small.cluster([
            Town.pod("t", "a", "10.0.1.1", "{foo: bar, foo1: bar1}", "a, containerPort: 1"),
            Town.pod("t", "b", "10.0.1.2", "{foo: bar, foo2: bar2}", "b, containerPort: 1"),
            Town.antrea(
                "p",
                "{priority: 1, appliedTo: [{podSelector: {matchLabels: {foo: bar}}}], \(rules)}"),
        ])
        let answer = try Small.ask(cluster, pair)
        #expect((answer.egress.policies + answer.ingress.policies).map(\.ruleName) == [name])
    }
}
