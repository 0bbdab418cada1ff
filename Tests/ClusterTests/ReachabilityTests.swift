import Cluster
import Testing

/// Whole matrices: their reasons, their choice of Pods, their differences.
struct ReachabilityTests {
    static let web = [Reachability.Port(protocol: "TCP", number: 80)]

    static func matrix(_ policies: [String]) throws -> Reachability {
        try Small.cluster(Town.documents + policies).reachability(on: web, hasReasons: true)
    }

    @Test func aPairNamesWhatDecidesAtEitherEnd() throws {
        let matrix = try Self.matrix([
            Town.policy("in", "{podSelector: {matchLabels: {app: db}}}"),
            Town.antrea(
                "out",
                "{priority: 5, appliedTo: [{podSelector: {matchLabels: {app: probe}}}], egress: [{action: Reject, name: never}]}"
            ),
        ])
        let from = try #require(matrix.sources.firstIndex(of: "ops/probe"))
        let to = try #require(matrix.destinations.firstIndex(of: "shop/db"))
        let reason = try #require(matrix.reason(from, to, port: 0))
        #expect(
            matrix.reasons[reason.egress]
                == "AntreaClusterNetworkPolicy:out rule 1 \"never\" (Reject)")
        #expect(matrix.reasons[reason.ingress] == "default deny of NetworkPolicies")
        #expect(matrix.verdict(from, to, port: 0) == .rejected)
    }

    @Test(arguments: [
        ("app=web", ["lab/toy", "shop/web"]), ("app in (db, probe)", ["ops/probe", "shop/db"]),
        ("app!=web,metadata.namespace=shop", ["shop/db"]), ("!app", []),
        ("metadata.name=web", ["shop/web"]),
        ("app notin (web,db),app", ["ops/agent", "ops/probe"]),
    ])
    func podsAreChosenAsKubectlChoosesThem(text: String, pods: [String]) throws {
        #expect(try Small.cluster(Town.documents).matrixPods(matching: text) == pods)
    }

    @Test(arguments: ["a=b=c", "app in web", "=x", "a b"])
    func whatIsNoSelectorIsRefused(text: String) throws {
        let cluster = try Small.cluster(Town.documents)
        #expect(throws: PairError.self) { try cluster.matrixPods(matching: text) }
    }

    @Test func twoMatricesDifferWherePairsOpenCloseOrChangeTheirRule() throws {
        let allow = "ingress: [{from: [{podSelector: {}}]}]"
        let before = try Self.matrix([
            Town.policy("a", "{podSelector: {matchLabels: {app: db}}, \(allow)}"),
            Town.policy("b", "{podSelector: {matchLabels: {app: web}}}"),
        ])
        let after = try Self.matrix([
            Town.policy("a2", "{podSelector: {matchLabels: {app: db}}, \(allow)}"),
            Town.policy("c", "{podSelector: {}}", in: "ops"),
        ])
        let found = before.differences(to: after).map {
            "\($0.kind.rawValue) \($0.source) \($0.destination)"
        }
        #expect(
            found
                == [
                    "opens lab/toy shop/web", "closes lab/toy ops/probe",
                    "opens ops/agent shop/web",
                    "closes ops/agent ops/probe", "opens ops/probe shop/web",
                    "closes shop/db ops/probe", "opens shop/db shop/web",
                    "closes shop/web ops/probe",
                    "changes shop/web shop/db",
                ].sorted { Self.key($0) < Self.key($1) })
        #expect(before.differences(to: before).isEmpty)
    }

    /// As the matrix is walked: by source, then by destination.
    static func key(_ line: String) -> String {
        line.split(separator: " ").dropFirst().joined(separator: " ")
    }
}
