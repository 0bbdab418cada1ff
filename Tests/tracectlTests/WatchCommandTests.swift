import Foundation
import TestBinary
import Testing

/// Watches as a log follow.
struct WatchCommandTests {
    private static func events(_ text: String) throws -> [(type: String, object: [String: Any])] {
        // The body is chunked: what is no event is the size of a chunk.
        try text.split(separator: "\r\n").flatMap { $0.split(separator: "\n") }
            .filter { $0.hasPrefix("{") }.map { line in
                let event = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                return (
                    try #require(event["type"] as? String),
                    try #require(event["object"] as? [String: Any])
                )
            }
    }

    private static func position(_ object: [String: Any]) -> Int {
        Int((object["metadata"] as? [String: Any])?["resourceVersion"] as? String ?? "") ?? -1
    }

    @Test func aWatchFromAPositionTellsAllThatCameAfterIt() throws {
        let served = try ServedAPI(try Binary(), ["--no-worker"])
        let path = ServedAPI.traceflows
        let start = Self.position(try ServedAPI.object(try served.ask("GET", path)))
        for name in ["a", "b"] {
            #expect(try served.ask("POST", path, ServedAPI.traceflow(name)).status == 201)
        }
        let patch = "{\"metadata\": {\"labels\": {\"x\": \"y\"}}}"
        let merge = "application/merge-patch+json"
        #expect(try served.ask("PATCH", path + "/a", patch, type: merge).status == 200)
        #expect(try served.ask("DELETE", path + "/b").status == 200)
        let answer = try served.ask(
            "GET", path + "?watch=true&resourceVersion=\(start)&timeoutSeconds=1")
        let events = try Self.events(answer.body)
        let told = events.map { event in
            let name = (event.object["metadata"] as? [String: Any])?["name"] as? String ?? ""
            return "\(event.type) \(name)"
        }
        #expect(
            told == [
                "ADDED a", "ADDED b", "MODIFIED a", "MODIFIED b", "DELETED b",
            ])
        let positions = events.map { Self.position($0.object) }
        #expect(positions == positions.sorted() && (positions.first ?? 0) > start)
        // From the third on, there is only what came after it.
        let later = try served.ask(
            "GET", path + "?watch=true&resourceVersion=\(positions[2])&timeoutSeconds=1")
        #expect(try Self.events(later.body).map(\.type) == ["MODIFIED", "DELETED"])
        // Who selects sees what begins to be selected appear.
        let selected = try served.ask(
            "GET",
            path + "?watch=true&resourceVersion=\(start)&timeoutSeconds=1&labelSelector=x%3Dy")
        #expect(try Self.events(selected.body).map(\.type) == ["ADDED"])
    }

    @Test func withoutAPositionItBeginsWithWhatIsThere() throws {
        let served = try ServedAPI(try Binary(), ["--no-worker"])
        let path = ServedAPI.traceflows
        #expect(try served.ask("POST", path, ServedAPI.traceflow("a")).status == 201)
        let answer = try served.ask(
            "GET",
            path + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true"
                + "&resourceVersionMatch=NotOlderThan")
        let events = try Self.events(answer.body)
        #expect(events.map(\.type).prefix(2) == ["ADDED", "BOOKMARK"])
        let metadata = events[1].object["metadata"] as? [String: Any]
        #expect(
            metadata?["annotations"] as? [String: String] == ["k8s.io/initial-events-end": "true"])
    }

    @Test func aPositionInAnArchivedSegmentIsGone() throws {
        let binary = try Binary()
        let traces = (1...60).map { number in
            "apiVersion: crd.antrea.io/v1beta1\nkind: Traceflow\nmetadata: {name: t\(number)}\n"
                + "spec: {\(RefusalTests.pods)}\n"
        }
        let file = try binary.write(traces.joined(separator: "---\n"), to: "many.yaml")
        try binary.run(["apply", "--cluster", binary.cluster, "-f", file])
        try binary.run(["worker", "--once", "--in-flight", "5", "--segment-size", "64KiB"])
        try binary.run(["worker", "--once", "--segment-size", "64KiB"])
        #expect(try binary.run(["log", "archive", "--all"]).status == 0)
        let served = try ServedAPI(binary)
        let path = ServedAPI.traceflows
        let gone = try served.ask("GET", path + "?watch=1&resourceVersion=5")
        #expect(gone.status == 410)
        #expect(try ServedAPI.object(gone)["reason"] as? String == "Expired")
        #expect(try served.ask("GET", path + "/t1").status == 410)
        let list = try ServedAPI.object(try served.ask("GET", path))
        let now = Self.position(list)
        let fresh = try served.ask("GET", path + "?watch=1&resourceVersion=\(now)&timeoutSeconds=0")
        #expect(fresh.status == 200)
    }
}
