@testable import Kubernetes
import Testing

@Suite("A watch is read line by line, however it is cut")
struct WatchLinesTests {
    private static let text =
        #"{"type":"ADDED","object":{"metadata":{"name":"a"}}}"# + "\n"
        + #"{"type":"MODIFIED","object":{"metadata":{"name":"€"}}}"# + "\n\n"
        + #"{"type":"DELETED","object":{}}"# + "\n"
        + #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}"# + "\n"
        + #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"m"}}"#
        + "\n"

    private static let events: [WatchLines.Event] = [
        .added(["metadata": ["name": "a"]]), .modified(["metadata": ["name": "€"]]),
        .deleted([:]), .bookmark(resourceVersion: "7"), .error(APIStatus(410, .expired, "m")),
    ]

    @Test("in pieces of any size", arguments: [1, 2, 3, 7, 64, 100_000])
    func pieces(_ size: Int) {
        var lines = WatchLines()
        var events: [WatchLines.Event] = []
        let bytes = Array(Self.text.utf8)
        for begin in stride(from: 0, to: bytes.count, by: size) {
            events += lines.take(Array(bytes[begin..<min(begin + size, bytes.count)]))
        }
        #expect(events == Self.events)
    }

    @Test("an event that was cut off is none")
    func truncated() {
        var lines = WatchLines()
        #expect(lines.take(Array(Self.text.utf8.dropLast())).count == 4)
    }

    @Test("what is no event says so", arguments: ["nonsense", "{}", #"{"type":"NEW"}"#, "[1]"])
    func malformed(_ line: String) {
        var lines = WatchLines()
        #expect(lines.take(Array((line + "\n").utf8)) == [.malformed])
    }
}
