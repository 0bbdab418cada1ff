import Kubernetes
import Testing

@Suite("JSON of the Kubernetes API")
struct JSONValueTests {
    @Test(
        "a value is read and written as it was",
        arguments: [
            "null", "true", "false", "0", "-9007199254740993", "9223372036854775807", "1.5",
            #""a\"b\\c\nd""#, "[]", "{}", #"{"a":[1,2,{"b":null}],"c":false}"#, #""€😀""#,
            "[1,true]",
        ])
    func roundTrip(_ text: String) throws {
        #expect(try JSONValue(parsing: text.utf8).description == text)
    }

    @Test("keys are sorted, escapes are read")
    func order() throws {
        let value = try JSONValue(parsing: #"{ "b": 1, "a": "\ud83d\ude00\u0001" }"#.utf8)
        #expect(value.description == #"{"a":"😀\u0001","b":1}"#)
    }

    @Test("what is no JSON is refused", arguments: ["", "{", "[1", "{'a':1}", "nul", "1 2"])
    func malformed(_ text: String) {
        #expect(throws: MalformedJSON.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test("nesting is bounded")
    func depth() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: MalformedJSON.self) { try JSONValue(parsing: text.utf8) }
    }
}
