import Testing

@testable import Cluster

/// What is read of YAML, and what is said of what is none.
struct YAMLDocumentsTests {
    private static func json(_ text: String) throws -> [String] {
        try YAMLDocuments.read(text, file: "f").map(\.canonicalJSON)
    }

    @Test(
        arguments: [
            ("", []), ("# nothing\n", []), ("---\n---\n", ["null", "null"]),
            ("a: 1\n---\nb: 2\n...\n---\nc: 3\n", [#"{"a":1}"#, #"{"b":2}"#, #"{"c":3}"#]),
            ("{a: [1, {b: x}], c: []}", [#"{"a":[1,{"b":"x"}],"c":[]}"#]),
            ("a:\n- b\n- - c\n  - d\n", [#"{"a":["b",["c","d"]]}"#]),
            ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", [#"{"a":"x\u000ay\u000a","b":"x y"}"#]),
            (#"a: "1\u00e9\n"  # c"#, [#"{"a":"1\u00e9\u000a"}"#]),
            ("a: '1'\nb: 'it''s'", [#"{"a":"1","b":"it's"}"#]),
            ("\u{feff}a: 1\r\nb: ü\r\n", [#"{"a":1,"b":"ü"}"#]),
            ("1: x\ntrue: y\n", [#"{"1":"x","true":"y"}"#]),
        ] as [(String, [String])])
    func documentsAreReadInTheirOrder(text: String, documents: [String]) throws {
        #expect(try Self.json(text) == documents.map { $0.replacing("\\u00e9", with: "é") })
    }

    @Test(
        arguments: [
            ("~", "null"), ("null", "null"), ("", "null"), ("yes", "true"), ("off", "false"),
            ("nulls", #""nulls""#), ("12", "12"), ("-12", "-12"), ("+12", "12"), ("0x1f", "31"),
            ("0o17", "15"), ("017", "15"), ("1_000", "1000"), ("1.5", "1.5"),
            ("1e3", "1000.0"), (".inf", "null"), ("10.0.0.1", #""10.0.0.1""#),
            ("fd00::1", #""fd00::1""#), ("2026-05-01T10:11:12Z", #""2026-05-01T10:11:12Z""#),
            ("500m", #""500m""#), ("!!str 12", #""12""#), ("!!int '12'", "12"),
            ("! 12", "12"), ("!!bool \"yes\"", "true"), ("!own 12", #""12""#), ("!!str", #""""#),
        ])
    func aPlainScalarIsWhatKubectlTakesItFor(scalar: String, json: String) throws {
        #expect(try Self.json("a: \(scalar)\n") == [#"{"a":\#(json)}"#])
    }

    @Test func anAliasRepeatsWhatItsAnchorNamed() throws {
        #expect(
            try Self.json("a: &x {b: [1]}\nc: *x\nd: &y z\n*y : *x\n") == [
                #"{"a":{"b":[1]},"c":{"b":[1]},"d":"z","z":{"b":[1]}}"#
            ])
        // A document knows nothing of the anchors of another.
        #expect(throws: ManifestError.self) { try Self.json("a: &x 1\n---\nb: *x\n") }
    }

    @Test(
        arguments: [
            ("a: [1\n", "f:2:1: not YAML: did not find expected ',' or ']'"),
            ("a: b: c\n", "f:1:5: not YAML: mapping values are not allowed in this context"),
            ("a: *x\n", "f:1:4: not YAML: found undefined alias"),
            ("a: &x [*x]\n", "f:1:8: not YAML: found undefined alias"),
            ("a: 1\nb: 2\na: 3\n", "f:3:1: the key a occurs twice"),
            ("? [x]\n: y\n", "f:1:1: a key must be a string"),
            ("a: \u{1}\n", "f: not YAML: control characters are not allowed at byte 3"),
        ])
    func whatIsNoYAMLIsRefusedWithItsPlace(text: String, message: String) {
        #expect { try Self.json(text) } throws: { "\($0)" == message }
    }

    @Test func manyKeysAreComparedAsWell() {
        let keys = (1...40).map { "k\($0): 1\n" }.joined()
        #expect(throws: Never.self) { try Self.json(keys) }
        #expect { try Self.json(keys + "k20: 1\n") } throws: {
            "\($0)" == "f:41:1: the key k20 occurs twice"
        }
    }

    @Test func neitherDepthNorAliasesTakeAllMemory() {
        #expect(throws: ManifestError.self) {
            try Self.json(String(repeating: "[", count: 5000))
        }
        let laughs = (1...12).map { n in
            "a\(n): &a\(n) [" + Array(repeating: "*a\(n - 1)", count: 10).joined(separator: ",")
                + "]\n"
        }
        #expect { try Self.json("a0: &a0 x\n" + laughs.joined()) } throws: {
            "\($0)".hasSuffix("too deep or too large")
        }
    }
}
