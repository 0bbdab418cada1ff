import Cluster
import Testing

/// Objects of every kind that change or go, in a model that is there already.
struct ChangeTests {
    static let base =
        Town.documents + [
            Town.policy("np", "{podSelector: {matchLabels: {app: web}}}"),
            Town.antrea(
                "p",
                "{priority: 5, appliedTo: [{group: g}], ingress: [{action: Drop, from: [{namespaceSelector: {matchLabels: {team: b}}}]}]}"
            ),
            "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterGroup, metadata: {name: g}, spec: {podSelector: {matchLabels: {app: db}}}}",
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: g, namespace: lab}, spec: {template: {metadata: {labels: {app: web}}}}}",
        ]

    static let changes = [
        "{apiVersion: v1, kind: Namespace, metadata: {name: ops, labels: {team: a}}}",
        "{apiVersion: crd.antrea.io/v1beta1, kind: ClusterGroup, metadata: {name: g}, spec: {podSelector: {matchLabels: {app: web}}}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: g, namespace: lab}, spec: {template: {metadata: {labels: {app: db}}}}}",
        Town.policy("np", "{podSelector: {}}"),
        Town.pod("shop", "db", "10.0.2.10", "{app: other}", "http, containerPort: 80"),
    ]

    @Test(arguments: changes)
    func aChangeIsTakenIn(text: String) throws {
        var cluster = try Small.cluster(Self.base)
        try cluster.apply(Small.resources([text]))
        // Afresh, the later of two objects of a name counts.
        #expect(
            try RandomTownTests.picture(cluster)
                == RandomTownTests.picture(Small.cluster(Self.base + [text])))
        #expect(
            try RandomTownTests.picture(cluster)
                != RandomTownTests.picture(Small.cluster(Self.base)))
    }

    @Test(arguments: base.indices.filter { !base[$0].contains("kind: Node") })
    func whatGoesIsForgotten(number: Int) throws {
        var cluster = try Small.cluster(Self.base)
        try cluster.apply([], removing: Small.resources([Self.base[number]]))
        var rest = Self.base
        rest.remove(at: number)
        #expect(
            try RandomTownTests.picture(cluster)
                == RandomTownTests.picture(Small.cluster(rest)))
    }

    @Test func aChangeThatIsRefusedChangesNothing() throws {
        var cluster = try Small.cluster(Self.base)
        let before = try RandomTownTests.picture(cluster)
        #expect(throws: ManifestError.self) {
            try cluster.apply(Small.resources([Town.policy("np", "{podSelector: 5}")]))
        }
        #expect(try RandomTownTests.picture(cluster) == before)
    }
}
