import API
import Foundation
import FoundationXML
import Scheduler
import Testing
import Traceflow
import Yams

@testable import tracectl

struct PrintingTests {
    /// A trace whose every text is hostile.
    static func view(_ text: String, _ action: Action = .dropped) throws -> TraceView {
        let spec = TraceflowSpec(
            source: .init(namespace: text, pod: text),
            destination: .init(namespace: "d", service: text))
        let request = TraceRequest(
            name: text, apiVersion: .v1beta1, spec: spec, labels: [text: text])
        var trace = try #require(Trace(.requested(request), at: Moment(microseconds: 0)))
        let allocation = TagAllocation(
            attempt: 1, tag: 7, scope: .allNodes, executor: "w", deadline: Moment(microseconds: 9))
        trace.evolve(.tagAllocated(allocation), at: Moment(microseconds: 1))
        let observations = [
            Observation(.spoofGuard, .forwarded),
            Observation(.networkPolicy, action, componentInfo: text, networkPolicy: text),
        ]
        trace.evolve(
            .nodeReported(
                ReportID(attempt: 1, node: text, sequence: 1),
                NodeResult(node: text, timestamp: 5, observations: observations)),
            at: Moment(microseconds: 2))
        return TraceView(
            id: TraceID(1), createdAt: Moment(microseconds: 0), request: request, trace: trace)
    }

    static let hostile = [
        "plain", "yes", "null", "~", "", " lead", "trail ", "a: b", "a #b", "-", "- x", "{a}", "1",
        "1.5", "1e3", "0x1f", "012", "12:30:45", "2026-11-24", "1:2:3::", "quote\" back\\",
        "<script>&amp;</script>", "tab\tnew\nline", "\u{1b}[31mred\u{7}", "é 😀 \u{2028}", "%s %n",
        "end]]>", "a-->b", "*star", "&amp", "!tag", "@at", "`tick", "key:", "Infinity", ".5",
    ]

    @Test(arguments: hostile)
    func yamlAndJSONAreReadBackAsTheSameStrings(text: String) throws {
        let value = OutputValue.object(["key": .string(text), "list": .list([.string(text)])])
        for printed in [value.yaml, value.json] {
            let node = try #require(try compose(yaml: printed), "\(printed)")
            #expect(node["key"]?.string == text, "\(printed)")
            #expect(node["key"]?.tag.description == "tag:yaml.org,2002:str", "\(printed)")
            #expect(node["list"]?[0]?.string == text)
        }
        let data = Data(value.compactJSON.utf8)
        let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        #expect(object?["key"] as? String == text)
        #expect(!value.compactJSON.contains("\n"))
    }

    @Test(arguments: hostile)
    func aPictureIsWellFormedWhateverTheNames(text: String) throws {
        let parser = XMLParser(data: Data(PicturePrinter.svg(try Self.view(text)).utf8))
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
    }

    @Test(arguments: hostile)
    func aTerminalIsNeverSentWhatANameHolds(text: String) throws {
        let view = try Self.view(text)
        for format in [TraceFormat.tree, .table, .wide] {
            let printer = TracePrinter(
                format: format, now: Moment(microseconds: 0), tree: TreePrinter())
            let printed = printer.text([view], isList: false)
            #expect(!printed.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        }
    }

    @Test(arguments: [20, 40, 60])
    func aTreeStaysWithinTheTerminal(width: Int) throws {
        let long = String(repeating: "name-", count: 30)
        let text = TreePrinter(usesColor: false, width: width).text(try Self.view(long))
        for line in text.split(separator: "\n") { #expect(line.count <= width) }
    }

    @Test func aDropIsMarkedAndEndsThePath() throws {
        let view = try Self.view("n")
        #expect(TreePrinter().text(view).contains("✗ Dropped"))
        #expect(GraphPrinter.dot(view).contains("#B22222"))
        #expect(!GraphPrinter.dot(view).contains("-> destination"))
        #expect(!GraphPrinter.mermaid(view).contains("destination(["))
    }

    @Test func columnsAreAntreasInItsOrder() throws {
        let printer = TracePrinter(
            format: .wide, now: Moment(microseconds: 0), tree: TreePrinter())
        let header = printer.text([try Self.view("n")], isList: false).split(separator: "\n")[0]
        #expect(
            header.split(separator: " ").map(String.init) == [
                "NAME", "PHASE", "SOURCE-POD", "DESTINATION-POD", "DESTINATION-IP",
                "LIVE-TRAFFIC", "DROPPED-ONLY", "TIMEOUT", "AGE",
            ])
    }

    @Test(arguments: [
        (0, "0s"), (119, "119s"), (120, "2m"), (200, "3m20s"), (3600, "60m"), (11_000, "3h3m"),
        (86_400, "24h"), (200_000, "2d7h"), (900_000, "10d"),
    ])
    func agesAreKubectls(seconds: Int, text: String) {
        let start = Moment(microseconds: 0)
        #expect(Age.text(from: start, to: start.advanced(bySeconds: seconds)) == text)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
        (1_700_000_000, "2023-11-14T22:13:20Z"), (-1, "1969-12-31T23:59:59Z"),
    ])
    func momentsArePrintedAsRFC3339(seconds: Int, text: String) {
        let moment = Moment(microseconds: Int64(seconds) * 1_000_000)
        #expect(RFC3339.text(moment) == text)
    }
}
