import Cluster
import Foundation
import Testing
import Traceflow

/// NetworkPolicy v1, rule by rule (kubernetes/api networking/v1/types.go).
struct PolicyTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var rule: String
        var policy: String
        var pairs: [(String, Bool)]
        var testDescription: String { rule }
    }

    static func fixture() throws -> [Resource] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return try ManifestReader.read(
            path: folder.appendingPathComponent("Fixtures/policies.yaml").path,
            standardInput: { "" })
    }

    static func policy(_ spec: String, in namespace: String = "shop") throws -> [Resource] {
        try ManifestReader.read(
            text: """
                apiVersion: networking.k8s.io/v1
                kind: NetworkPolicy
                metadata: {name: p, namespace: \(namespace)}
                spec: \(spec)
                """, file: "p.yaml")
    }

    static let rows: [Row] = [
        Row(
            rule: "an empty selector isolates all Pods of its namespace only",
            policy: "{podSelector: {}}",
            pairs: [
                ("shop/web shop/db TCP 80", false), ("ops/probe shop/web TCP 1", false),
                ("shop/web ops/probe TCP 80", true),
            ]),
        Row(
            rule: "egress rules imply the Egress type, empty ones do not",
            policy: "{podSelector: {matchLabels: {app: web}}, egress: []}",
            pairs: [("shop/web ops/probe TCP 80", true), ("ops/probe shop/web TCP 80", false)]),
        Row(
            rule: "rules of a direction that policyTypes omits are ignored",
            policy: "{podSelector: {}, policyTypes: [Egress], ingress: [{}], egress: [{}]}",
            pairs: [("ops/probe shop/web TCP 80", true), ("shop/web ops/probe TCP 80", true)]),
        Row(
            rule: "one empty rule allows everything",
            policy: "{podSelector: {}, ingress: [{}]}", pairs: [("ops/probe shop/db SCTP 9", true)]),
        Row(
            rule: "a podSelector peer is of the policy's namespace",
            policy:
                "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: probe}}}]}]}",
            pairs: [("ops/probe shop/web TCP 80", false)]),
        Row(
            rule: "both selectors in one peer are ANDed",
            policy: """
                {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels:
                {kubernetes.io/metadata.name: ops}}, podSelector: {matchLabels: {app: probe}}}]}]}
                """,
            pairs: [("ops/probe shop/web TCP 80", true), ("shop/db shop/web TCP 80", false)]),
        Row(
            rule: "a missing protocol means TCP, a missing port every port of the protocol",
            policy: "{podSelector: {}, ingress: [{ports: [{port: 80}, {protocol: UDP}]}]}",
            pairs: [
                ("ops/probe shop/web TCP 80", true), ("ops/probe shop/web UDP 999", true),
                ("ops/probe shop/web TCP 81", false), ("ops/probe shop/web SCTP 80", false),
            ]),
        Row(
            rule: "endPort is inclusive",
            policy: "{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 82}]}]}",
            pairs: [
                ("ops/probe shop/web TCP 82", true), ("ops/probe shop/web TCP 83", false),
                ("ops/probe shop/web TCP 79", false),
            ]),
        Row(
            rule: "a named port is the destination Pod's own, also for egress",
            policy: "{podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: http}]}]}",
            pairs: [
                ("ops/probe shop/web TCP 8080", true), ("ops/probe shop/web TCP 80", false),
                ("ops/probe shop/db TCP 80", true), ("ops/probe shop/web UDP 8080", false),
            ]),
        Row(
            rule: "a named port needs the protocol too",
            policy: "{podSelector: {}, ingress: [{ports: [{port: dns}]}]}",
            pairs: [("ops/probe shop/web TCP 53", false)]),
        Row(
            rule: "NotIn passes for a missing key, In fails",
            policy: """
                {podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [x]},
                {key: app, operator: In, values: [web]}]}}
                """,
            pairs: [("ops/probe shop/web TCP 80", false), ("ops/probe shop/db TCP 80", true)]),
        Row(
            rule: "a label with an empty value is there",
            policy: "{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}",
            pairs: [("ops/probe shop/web TCP 80", false), ("ops/probe shop/db TCP 80", true)]),
        Row(
            rule: "ipBlock matches addresses of its family, Pods' too, but not what is excepted",
            policy: """
                {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except:
                [10.1.1.0/24]}}]}]}
                """,
            pairs: [
                ("ip:10.9.9.9 shop/web TCP 80", true), ("ip:10.1.1.9 shop/web TCP 80", false),
                ("ops/probe shop/web TCP 80", true), ("shop/db shop/web TCP 80", false),
                ("ip:11.0.0.1 shop/web TCP 80", false), ("ip:fd00:9::1 shop/web TCP 80", false),
            ]),
        Row(
            rule: "selectors never match the host network",
            policy: "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}",
            pairs: [
                ("ops/probe shop/web TCP 80", true), ("ops/agent shop/web TCP 80", false),
                ("ip:8.8.8.8 shop/web TCP 80", false),
            ]),
    ]

    @Test(arguments: rows)
    func aPolicyAllowsAndDenies(_ row: Row) throws {
        let cluster = try Cluster(Self.fixture() + Self.policy(row.policy))
        for (pair, allowed) in row.pairs {
            let parts = pair.split(separator: " ").map(String.init)
            let answer = try cluster.answer(
                PairQuestion(
                    source: parts[0], destination: parts[1], protocol: parts[2],
                    port: try #require(Int(parts[3]))))
            #expect(answer.allowed == allowed, "\(pair)")
        }
    }

    @Test func theReasonNamesEverySelectingPolicy() throws {
        let cluster = try Cluster(
            Self.fixture()
                + Self.policy(
                    "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 1}]}]}")
        )
        let answer = try cluster.answer(
            PairQuestion(source: "shop/db", destination: "shop/web", protocol: "TCP", port: 80))
        #expect(answer.egress.allowed && answer.egress.isDefault && answer.egress.policies.isEmpty)
        #expect(answer.ingress.policies.map(\.reason) == [.ports])
        #expect(answer.ingress.policies.map(\.rule) == [1])
    }

    @Test(arguments: [
        (
            "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: x}}]}]}",
            "spec.ingress[0].from[0].ipBlock.cidr"
        ),
        (
            "{podSelector: {}, ingress: [{ports: [{endPort: 5}]}]}",
            "spec.ingress[0].ports[0].endPort"
        ),
        (
            "{podSelector: {}, ingress: [{ports: [{port: a, endPort: 5}]}]}",
            "spec.ingress[0].ports[0].endPort"
        ),
        ("{podSelector: {}, ingress: [{ports: [{port: 70000}]}]}", "spec.ingress[0].ports[0].port"),
        (
            "{podSelector: {}, ingress: [{ports: [{protocol: ICMP}]}]}",
            "spec.ingress[0].ports[0].protocol"
        ),
        ("{podSelector: {}, policyTypes: [Both]}", "spec.policyTypes[0]"),
        ("{podSelector: {}, ingress: [{from: [{}]}]}", "spec.ingress[0].from[0]"),
        (
            "{podSelector: {matchExpressions: [{key: a, operator: Like}]}}",
            "spec.podSelector.matchExpressions[0].operator"
        ),
        ("{podSelector: [], ingress: 3}", "spec.podSelector"), ("{ingress: 3}", "spec.ingress"),
    ])
    func aWrongPolicyIsNamedByItsField(spec: String, field: String) throws {
        #expect { try Cluster(Self.policy(spec)) } throws: {
            ($0 as? ManifestError)?.field == field && ($0 as? ManifestError)?.line == 4
        }
    }
}

struct ManifestTests {
    @Test(arguments: [
        ("a: [1", 1), ("a: b: c", 1), ("x:\n\t- y", 2), ("- a\n- b", 1),
        ("kind: Pod\nmetadata: {name: p}", 1), ("apiVersion: v1\nkind: Pod\nmetadata: {}", 3),
        ("apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: p}", 1),
        ("apiVersion: v1\nkind: 3\nmetadata: {name: p}", 2),
    ])
    func whatIsNoManifestIsNamedWithFileAndLine(text: String, line: Int) {
        #expect { try ManifestReader.read(text: text, file: "f.yaml") } throws: {
            guard let error = $0 as? ManifestError else { return false }
            return error.file == "f.yaml" && error.line != nil
                && error.description.hasPrefix("f.yaml:")
        }
    }

    @Test func everythingThatKubectlAcceptsIsRead() throws {
        let text = """
            # a comment
            ---
            ---
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "json"}}
            ---
            apiVersion: v1
            kind: PodList
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: one}}
            - {apiVersion: v1, kind: Pod, metadata: {name: two}}
            """
        let resources = try ManifestReader.read(text: text, file: "f")
        #expect(resources.map(\.name) == ["json", "one", "two"])
        for resource in resources {
            let again = try ManifestReader.read(text: resource.canonicalJSON, file: "again")
            #expect(again.map(\.canonicalJSON) == [resource.canonicalJSON])
        }
    }

    @Test(arguments: [
        "\"quote\" \\ back", "tab\tnew\nline", "\u{1}\u{7f}\u{2028}\u{feff}é😀", "yes", "012", "~",
    ])
    func anyStringSurvivesCanonicalJSON(value: String) throws {
        let resource = ManifestValue(
            .map([
                ("apiVersion", .init(.string("v1"))), ("kind", .init(.string("X"))),
                ("metadata", .init(.map([("name", .init(.string("n")))]))),
                ("value", .init(.string(value))),
            ]))
        let again = try ManifestReader.read(text: resource.canonicalJSON, file: "f")
        #expect(again.first?.canonicalJSON == resource.canonicalJSON)
    }

    @Test func aBillionLaughsAreRefused() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let inner = (0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", ")
            text += "a\(level): &a\(level) [\(inner)]\n"
        }
        #expect(throws: ManifestError.self) { try ManifestReader.read(text: text, file: "bomb") }
    }

    @Test(arguments: [
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, spec: oops}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p},"
            + " spec: {podSelector: app=a}}",
        "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: x}",
        "{apiVersion: v1, kind: Service, metadata: {name: p}, spec: [1]}",
    ])
    func whatHasTheWrongShapeIsRefusedAndNotTakenForEmpty(text: String) {
        #expect(throws: ManifestError.self) {
            try Cluster(ManifestReader.read(text: text, file: "f"))
        }
    }

    @Test func aKindOfAnotherGroupIsNotTakenForKubernetesOwn() throws {
        let text = "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: s}}"
        let cluster = try Cluster(ManifestReader.read(text: text, file: "f"))
        #expect(cluster.unknownKinds.map(\.kind) == ["Service (serving.knative.dev/v1)"])
    }

    @Test func aWorkloadWithoutPodsStandsInTheMatrix() throws {
        let text = """
            apiVersion: v1
            kind: PodList
            items:
            - metadata: {name: api-1, ownerReferences: [{kind: ReplicaSet, name: web-api-5d}]}
              status: {podIP: 10.0.0.1}
            ---
            {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}
            ---
            {apiVersion: apps/v1, kind: Deployment, metadata: {name: web-api}}
            ---
            {apiVersion: apps/v1, kind: Deployment, metadata: {name: idle}, spec: {replicas: 0}}
            """
        let cluster = try Cluster(ManifestReader.read(text: text, file: "f"))
        #expect(cluster.matrixPods == ["default/api-1", "default/web"])
    }

    @Test func unknownKindsAreNamedOnceAndLeftOut() throws {
        let text = """
            {apiVersion: v1, kind: Widget, metadata: {name: a}}
            ---
            {apiVersion: v1, kind: Widget, metadata: {name: b}}
            """
        let cluster = try Cluster(ManifestReader.read(text: text, file: "f"))
        #expect(cluster.unknownKinds.map(\.line) == [1])
        #expect(cluster.warnings.count == 1)
    }

    @Test(arguments: [
        ("spec: {timeout: soon}", "spec.timeout"), ("spec: {liveTraffic: 1}", "spec.liveTraffic"),
        ("spec: {source: [a]}", "spec.source"), ("spec: {source: {pod: 5}}", "spec.source.pod"),
        ("spec: {packet: {ipHeader: {ttl: x}}}", "spec.packet.ipHeader.ttl"), ("{}", "spec"),
    ])
    func aTraceflowOfWrongTypesIsNamedByItsField(text: String, field: String) throws {
        let body = text == "{}" ? "" : text
        let resources = try ManifestReader.read(
            text: "apiVersion: crd.antrea.io/v1beta1\nkind: Traceflow\nmetadata: {name: t}\n"
                + body,
            file: "f")
        #expect { try resources.map { try TraceflowManifest($0) } } throws: {
            ($0 as? ManifestError)?.field?.hasPrefix(field) == true
        }
    }
}
