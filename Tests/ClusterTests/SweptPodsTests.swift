import Testing

@testable import Cluster

/// Selectors of a sweep's side, as text and as manifests have them.
struct SweptPodsTests {
    @Test(
        arguments: [
            ("app=web", "app=web"), ("b,a=x", "a=x,b"), (" a in (x) , b ", "a=x,b"),
            ("a==x", "a=x"), ("a=x,a=x", "a=x"), ("!old", "!old"),
            ("a in (y, x,y)", "a in (x, y)"), ("a!=x", "a notin (x)"),
            ("a=", "a="), ("a in ()", "a="), ("a notin (,x)", "a notin (, x)"),
            ("a=x,a=y", "a=x,a=y"), ("a in (y),a=x", "a=x,a=y"),
            ("tier=a,metadata.namespace in (shop)", "metadata.namespace=shop,tier=a"),
            (
                "metadata.namespace in (b,a),metadata.name=p",
                "metadata.namespace in (a, b),metadata.name=p"
            ),
            ("metadata.namespace!=a", "metadata.namespace notin (a)"), ("", ""), (",", ""),
        ])
    func whatMeansTheSameHasOneText(text: String, told: String) throws {
        let pods = try #require(SweptPods(text: text))
        #expect(pods.text == told)
        #expect(SweptPods(text: told) == pods)
        #expect(SweptPods.text(text) == (told.isEmpty ? nil : told))
    }

    @Test(
        arguments: [
            "(((", "a=b=c", "a in (x", "a in x", "a notin (x(,y)", "a in (a b)", "a in (x))",
            "app in (a1,a2),a notin (x(,y)", "a=\u{e9}", "a in (x\u{600},y)", "=x", "a b",
            "\u{e9}", String(repeating: "k", count: 318) + "=x",
            "a=" + String(repeating: "v", count: 254),
        ])
    func whatIsNoSelectorStaysAsItIsAndIsRefused(text: String) {
        #expect(SweptPods(text: text) == nil)
        #expect(SweptPods.text(text) == text)
        #expect(throws: PairError.self) { try SweptPods.check(text) }
    }

    @Test(
        arguments: [
            "{podSelector: {matchLabels: {a: \"x,y\"}}}",
            "{podSelector: {matchExpressions: [{key: \"(((\", operator: Exists}]}}",
            "{podSelector: {matchExpressions: [{key: a, operator: In, values: [\"x)\"]}]}}",
            "{namespaces: [\"a b\"]}",
        ])
    func aManifestSaysNothingThatALabelCannotHave(sources: String) throws {
        let text = """
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSweep
            metadata: {name: s}
            spec: {ports: [{port: 80}], sources: \(sources)}
            """
        let resource = try #require(try ManifestReader.read(text: text, file: "s.yaml").first)
        #expect(throws: ManifestError.self) { try SweepManifest(resource) }
    }
}
