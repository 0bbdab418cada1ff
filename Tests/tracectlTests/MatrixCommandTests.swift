import Foundation
import TestBinary
import Testing

/// `matrix`, `matrix diff`, `explain` and `cluster check` as a user types them.
struct MatrixCommandTests {
    static let town = """
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}},
         status: {podIP: 10.0.0.1}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}},
         status: {podIP: 10.0.0.2}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: probe, namespace: ops, labels: {app: "<b>"}},
         status: {podIP: 10.0.0.3}}
        ---
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: lock, namespace: shop},
         spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}}
        """

    static func binary() throws -> (Binary, cluster: String) {
        let binary = try Binary()
        return (binary, try binary.write(town, to: "town.yaml"))
    }

    @Test func theTableHasAMarkForEachPair() throws {
        let (binary, cluster) = try Self.binary()
        let result = try binary.run(["matrix", "--cluster", cluster, "--ports", "tcp/80"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            result.output == """
                + delivered   - dropped   x rejected

                TCP/80: 5 of 6 pairs may speak

                             1  2 3
                1 ops/probe     - +

                2 shop/db    +    +
                3 shop/web   +  +

                """)
    }

    @Test(arguments: ["json", "jsonl", "csv"])
    func everyPairIsListed(format: String) throws {
        let (binary, cluster) = try Self.binary()
        let result = try binary.run([
            "matrix", "--cluster", cluster, "--ports", "tcp/80,udp/53", "-o", format,
        ])
        let pairs = result.output.components(separatedBy: "ops/probe").count - 1
        #expect(pairs == 8)
        if format == "json" {
            let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
            let list = (json as? [String: Any])?["pairs"] as? [[String: Any]]
            #expect(list?.count == 12)
            #expect(list?.count { $0["verdict"] as? String == "Dropped" } == 2)
        }
    }

    @Test func picturesStandForThemselves() throws {
        let (binary, cluster) = try Self.binary()
        let arguments = ["matrix", "--cluster", cluster, "--ports", "tcp/80", "-o"]
        let svg = try binary.run(arguments + ["svg"]).output
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
        #expect(svg.contains("#0072B2") && svg.contains("#E69F00"))
        let html = try binary.run(arguments + ["html"]).output
        #expect(html.hasPrefix("<!DOCTYPE html>") && html.hasSuffix("</html>\n"))
        #expect(!html.contains("http://") && !html.contains("https://"))
        #expect(html.contains("default deny of NetworkPolicies"))
    }

    @Test func whyNamesTheReasonsOfBothDirections() throws {
        let (binary, cluster) = try Self.binary()
        let result = try binary.run([
            "explain", "--cluster", cluster, "ops/probe", "shop/db", "tcp/80",
        ])
        #expect(
            result.output == """
                ops/probe → shop/db TCP/80: denied
                  egress: allowed to leave ops/probe: no policy selects the Pod
                  ingress: denied to enter shop/db: NetworkPolicies isolate the Pod, and none of their rules matches
                    shop/lock: rule 1 (Allow) does not name the peer
                    note: this is about new connections; Antrea lets established ones through

                """)
    }

    @Test func aDifferenceIsAnAnswerOfNo() throws {
        let (binary, cluster) = try Self.binary()
        let other = try binary.write(
            Self.town.replacing("[{podSelector: {}}]", with: "[{namespaceSelector: {}}]"),
            to: "other.yaml")
        let same = try binary.run(["matrix", "diff", cluster, cluster, "--ports", "tcp/80"])
        #expect(same.status == 0)
        #expect(same.output == "no pair changes\n")
        let differs = try binary.run(["matrix", "diff", cluster, other, "--ports", "tcp/80"])
        #expect(differs.status == 1)
        #expect(differs.errors.isEmpty)
        #expect(differs.output.contains("opens    ops/probe   shop/db"))
        #expect(differs.output.contains("default deny of NetworkPolicies → shop/lock rule 1"))
    }

    @Test func aCheckThatFindsSomethingIsAnAnswerOfNo() throws {
        let (binary, cluster) = try Self.binary()
        let clean = try binary.run(["cluster", "check", "--cluster", cluster])
        #expect(clean.status == 0, "\(clean.output)")
        let odd = try binary.write(
            Self.town.replacing("matchLabels: {app: db}}, in", with: "matchLabels: {app: x}}, in"),
            to: "odd.yaml")
        let found = try binary.run(["cluster", "check", "--cluster", odd])
        #expect(found.status == 1)
        #expect(found.output.contains("odd.yaml:10: K8sNetworkPolicy:shop/lock: it is applied"))
        #expect(found.output.contains("[selects-nothing]"))
    }

    @Test(arguments: [
        (["matrix", "--pairs", "x", "-o", "html"], "pictures show whole matrices"),
        (["matrix", "--ports", "tcp/0"], "is not a port"),
        (["matrix", "diff", "a", "b"], "say for which ports"),
    ])
    func aWrongQuestionIsRefused(arguments: [String], words: String) throws {
        let (binary, cluster) = try Self.binary()
        let result = try binary.run(
            arguments + (arguments.contains("diff") ? [] : ["--cluster", cluster]))
        #expect(result.status == 2)
        #expect(result.errors.contains(words), "\(result.errors)")
    }

    @Test func aSelectorThatIsNoneIsRefused() throws {
        let (binary, cluster) = try Self.binary()
        let result = try binary.run([
            "matrix", "--cluster", cluster, "--ports", "tcp/80", "--from", "a b",
        ])
        #expect(result.status == 1)
        #expect(result.errorLines == 1)
    }
}
