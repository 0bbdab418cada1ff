import Testing
import Traceflow

@testable import TraceLog

/// The shape of reports is written and read by hand, and measured against the generated code.
struct ReportShapeTests {
    private static let texts: [String?] = [
        nil, "", "a", "Ümläut", String(repeating: "x", count: 300),
    ]

    private func observation(_ random: inout SplitMix) -> Observation {
        func text() -> String? { Self.texts.randomElement(using: &random) ?? nil }
        return Observation(
            Component.allCases.randomElement(using: &random) ?? .lb,
            Action.allCases.randomElement(using: &random) ?? .dropped,
            componentInfo: text(), pod: text(), networkPolicy: text(), networkPolicyRule: text(),
            egress: text(), egressIP: text(), egressNode: text(), srcPodIP: text(),
            translatedSrcIP: text(), translatedDstIP: text(), tunnelDstIP: text())
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            return (state ^ (state >> 31)) &* 0x94d0_49bb_1331_11eb
        }
    }

    private func result(_ seed: UInt64) -> NodeResult {
        var random = SplitMix(state: seed)
        return NodeResult(
            node: seed % 10 == 0 ? "" : "node-\(seed)", timestamp: 0,
            observations: (0..<Int(seed % 5)).map { _ in observation(&random) })
    }

    private func message(_ result: NodeResult) -> PBNodeReported {
        var message = PBNodeReported()
        message.node = result.node
        message.observations = result.observations.map(PBObservation.init)
        return message
    }

    @Test(arguments: UInt64(1)...50)
    func itsBytesAreThoseOfTheGeneratedCode(seed: UInt64) throws {
        let result = result(seed)
        let bytes = try EventCoding.bytes(message(result))
        #expect(WireWriter.shape(of: result, by: result.node) == bytes)
        #expect(try NodeResult(shape: bytes) == result)
    }

    /// Wherever it is cut off, the generated code's answer is the one that is given.
    @Test(arguments: UInt64(1)...10)
    func aBeginningIsReadAsTheGeneratedCodeReadsIt(seed: UInt64) throws {
        let bytes = try EventCoding.bytes(message(result(seed)))
        for count in bytes.indices {
            let part = Array(bytes[..<count])
            let wanted = try? NodeResult(PBNodeReported(serializedBytes: part))
            #expect((try? NodeResult(shape: part)) == wanted, "\(count) bytes")
        }
    }

    @Test(
        arguments: [
            // A component and an action that nobody knows, none, text that is not UTF-8.
            [0x2a, 4, 8, 99, 16, 1], [0x2a, 4, 8, 1, 16, 99], [0x2a, 0], [0x12, 2, 0xc3, 0x28],
            // A field without a number, a number too long, more bytes than there are.
            [0x00, 0x00], [0x08] + [UInt8](repeating: 0xff, count: 11), [0x12, 0xff, 0x7f, 1],
        ] as [[UInt8]])
    func whatIsNoReportIsRefusedAsTheGeneratedCodeDoes(bytes: [UInt8]) {
        #expect(throws: (any Error).self) { try NodeResult(PBNodeReported(serializedBytes: bytes)) }
        #expect(throws: (any Error).self) { try NodeResult(shape: bytes) }
        #expect(TraceCoding.report(bytes: bytes) == nil)
    }

    @Test(
        arguments: [
            // A node and an observation of other kinds than theirs, which nobody knows.
            [0x15, 0x61, 0x62, 0x63, 0x64], [0x10, 7], [0x28, 1],
            [0x29, 8, 1, 16, 1, 8, 1, 16, 1],
            // Fields that nobody knows, and one of them in an observation.
            [0x82, 1, 2, 1, 2, 0xa0, 6, 5], [0x2a, 7, 8, 2, 16, 3, 0xa2, 6, 0],
            // The last of two counts; numbers of another width are the same.
            [0x12, 1, 0x61, 0x12, 1, 0x62], [0x2a, 6, 8, 1, 8, 2, 16, 3],
            [0x2a, 5, 8, 0x81, 0, 16, 3],
        ] as [[UInt8]])
    func whatIsWrittenOtherwiseIsReadAsTheGeneratedCodeReadsIt(bytes: [UInt8]) throws {
        let wanted = try NodeResult(PBNodeReported(serializedBytes: bytes))
        #expect(try NodeResult(shape: bytes) == wanted)
    }
}
