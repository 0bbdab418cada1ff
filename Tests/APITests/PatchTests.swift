import Kubernetes
import Testing

@testable import API

/// Patches as their RFCs have them.
struct PatchTests {
    private static func json(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: text.utf8)
    }

    /// The table of RFC 7396, appendix A.
    @Test(
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
            (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
            (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#), (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
            (#"{"a":"foo"}"#, "null", "null"), (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ])
    func aMergePatchIsMerged(value: String, patch: String, result: String) throws {
        #expect(try Self.json(value).merged(with: Self.json(patch)) == Self.json(result))
    }

    @Test(
        arguments: [
            (
                #"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#,
                #"{"baz":"qux","foo":"bar"}"#
            ),
            (
                #"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
                #"{"foo":["bar","qux","baz"]}"#
            ),
            (
                #"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc"]}]"#,
                #"{"foo":["bar",["abc"]]}"#
            ),
            (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
            (
                #"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#,
                #"{"foo":["bar","baz"]}"#
            ),
            (
                #"{"baz":"qux"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#,
                #"{"baz":"boo"}"#
            ),
            (
                #"{"a":{"b":1},"c":{}}"#, #"[{"op":"move","from":"/a/b","path":"/c/d"}]"#,
                #"{"a":{},"c":{"d":1}}"#
            ),
            (#"{"a":[1]}"#, #"[{"op":"copy","from":"/a","path":"/b"}]"#, #"{"a":[1],"b":[1]}"#),
            (
                #"{"a/b":1,"m~n":2}"#,
                #"[{"op":"test","path":"/a~1b","value":1},{"op":"replace","path":"/m~0n","value":3}]"#,
                #"{"a/b":1,"m~n":3}"#
            ),
        ])
    func aJSONPatchGoesStepByStep(value: String, patch: String, result: String) throws {
        let patched = try JSONPatch(Self.json(patch)).applied(to: Self.json(value))
        #expect(try patched == Self.json(result))
    }

    @Test(
        arguments: [
            #"[{"op":"remove","path":"/x"}]"#, #"[{"op":"remove","path":""}]"#,
            #"[{"op":"replace","path":"/x","value":1}]"#,
            #"[{"op":"add","path":"/a/b/c","value":1}]"#,
            #"[{"op":"add","path":"/l/9","value":1}]"#,
            #"[{"op":"add","path":"/l/01","value":1}]"#,
            #"[{"op":"test","path":"/l/0","value":2}]"#,
            #"[{"op":"move","from":"/a","path":"/a/b"}]"#,
            #"[{"op":"copy","from":"/x","path":"/y"}]"#,
        ])
    func aStepThatCannotBeDoneIsInvalid(patch: String) throws {
        let value = try Self.json(#"{"a":{},"l":[1]}"#)
        #expect { try JSONPatch(Self.json(patch)).applied(to: value) } throws: {
            ($0 as? APIStatus)?.code == 422
        }
    }
}
