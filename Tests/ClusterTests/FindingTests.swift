import Cluster
import Testing

/// What `cluster check` finds, and what it leaves alone.
struct FindingTests {
    static let all = "appliedTo: [{namespaceSelector: {}}]"

    @Test(
        arguments: [
            ("{podSelector: {matchLabels: {app: nobody}}}", [.selectsNothing]),
            (
                "{podSelector: {}, ingress: [{from: [{podSelector: {}}, {podSelector: {matchLabels: {app: x}}}]}]}",
                [.peerMatchesNothing]
            ),
            ("{podSelector: {}, ingress: [{ports: [{port: htpp}]}]}", [.unknownPortName]),
            ("{podSelector: {}, ingress: [{}, {ports: [{port: 80}]}]}", [.shadowedRule]),
            ("{podSelector: {}, ingress: [{ports: [{port: 80}]}, {}]}", []),
            (
                "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}, {from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]}",
                [.shadowedRule]
            ),
            ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 8.8.8.8/32}}]}]}", []),
        ] as [(String, [Finding.Code])])
    func aNetworkPolicyIsLookedThrough(spec: String, codes: [Finding.Code]) throws {
        let cluster = try Small.cluster(Town.documents + [Town.policy("p", spec)])
        #expect(cluster.findings().map(\.code) == codes)
    }

    @Test func aRuleBehindAnotherTiersIsShadowed() throws {
        let cluster = try Small.cluster(
            Town.documents + [
                Town.antrea(
                    "late",
                    "{priority: 5, \(Self.all), ingress: [{action: Allow, ports: [{port: 80}]}]}"),
                Town.antrea(
                    "first",
                    "{tier: platform, priority: 5, \(Self.all), ingress: [{action: Drop, ports: [{port: 79, endPort: 90}]}]}"
                ),
            ])
        let findings = cluster.findings()
        #expect(findings.map(\.object) == ["AntreaClusterNetworkPolicy:late"])
        #expect(
            findings.first?.message
                == "ingress rule 1 never decides: rule 1 of AntreaClusterNetworkPolicy:first comes first"
        )
    }

    @Test(arguments: [
        ("{clusterIP: 10.96.0.1, selector: {app: web}, ports: [{port: 80}]}", 0),
        ("{clusterIP: 10.96.0.1, selector: {app: x}, ports: [{port: 80}, {port: 81}]}", 2),
        ("{clusterIP: 10.96.0.1, selector: {app: web}, ports: [{port: 80, targetPort: gone}]}", 1),
        ("{type: ExternalName, externalName: a.b, ports: [{port: 80}]}", 0),
    ])
    func aServiceNeedsSomebodyBehindEachPort(spec: String, count: Int) throws {
        let cluster = try Small.cluster(
            Town.documents + [
                "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: \(spec)}"
            ])
        #expect(
            cluster.findings().map(\.code)
                == Array(repeating: .serviceWithoutEndpoints, count: count))
    }

    @Test(
        arguments: [
            ("{priority: 1, appliedTo: [{nodeSelector: {}}, {podSelector: {}}]}", "Nodes"),
            (
                "{priority: 1, ingress: [{action: Drop, appliedTo: [{service: {name: s, namespace: n}}]}]}",
                "node ports"
            ),
            (
                "{priority: 1, \(AntreaPolicyTests.web), egress: [{action: Drop, to: [{externalEntitySelector: {}}]}]}",
                "external entities"
            ),
            (
                "{priority: 1, \(AntreaPolicyTests.web), ingress: [{action: Allow, l7Protocols: [{http: {}}]}]}",
                "addresses and ports"
            ),
        ])
    func whatIsNotModelledIsSaidOnce(spec: String, word: String) throws {
        let cluster = try Small.cluster(
            Town.documents + [Town.antrea("p", spec), Town.antrea("q", spec)])
        #expect(cluster.warnings.count == 1)
        #expect(cluster.warnings.first?.message.contains(word) ?? false)
        #expect(cluster.warnings.first?.message.hasPrefix("AntreaClusterNetworkPolicy:p ") ?? false)
    }
}
