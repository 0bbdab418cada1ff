import Testing
import Traceflow

@testable import TraceLog

/// The shape of reports is written by hand; the generated code is what it is measured against.
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

    @Test(arguments: UInt64(1)...50)
    func itsBytesAreThoseOfTheGeneratedCode(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let result = NodeResult(
            node: seed % 10 == 0 ? "" : "node-\(seed)", timestamp: 7,
            observations: (0..<Int(seed % 5)).map { _ in observation(&random) })
        var message = PBNodeReported()
        message.node = result.node
        message.observations = result.observations.map(PBObservation.init)
        let bytes = try EventCoding.bytes(message)
        #expect(WireWriter.shape(of: result, by: result.node) == bytes)
    }
}
