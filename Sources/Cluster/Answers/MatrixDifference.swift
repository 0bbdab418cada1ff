import Traceflow

/// A pair that two clusters answer differently, or by another rule.
public struct PairDifference: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case opens
        case closes
        /// The answer is the same, and another rule gives it.
        case changes
    }

    public var kind: Kind
    public var source: String
    public var destination: String
    public var port: Reachability.Port
    /// What decided at the source and at the destination.
    public var before: (egress: String, ingress: String) { (egressBefore, ingressBefore) }
    public var after: (egress: String, ingress: String) { (egressAfter, ingressAfter) }
    var egressBefore: String
    var ingressBefore: String
    var egressAfter: String
    var ingressAfter: String
}

extension VerdictMatrix {
    /// The pairs of Pods in both matrices that open, close, or change the rule that decides or the
    /// way in which they are closed.
    ///
    /// Both must hold reasons, and ask about the same ports.
    public func differences(to after: some VerdictMatrix) -> [PairDifference] {
        let places = Dictionary(
            after.destinations.enumerated().map { ($1, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let rows = Dictionary(
            after.sources.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        var differences: [PairDifference] = []
        for port in ports.indices {
            for (from, source) in sources.enumerated() {
                guard let row = rows[source] else { continue }
                for (to, destination) in destinations.enumerated() where source != destination {
                    guard let column = places[destination],
                        let old = reason(from, to, port: port),
                        let new = after.reason(row, column, port: port),
                        let before = cell(from, to, port: port),
                        let now = after.cell(row, column, port: port)
                    else { continue }
                    let (wasAllowed, isAllowed) = (before == .delivered, now == .delivered)
                    let difference = PairDifference(
                        kind: wasAllowed == isAllowed ? .changes : isAllowed ? .opens : .closes,
                        source: source, destination: destination, port: ports[port],
                        egressBefore: reasons[old.egress], ingressBefore: reasons[old.ingress],
                        egressAfter: after.reasons[new.egress],
                        ingressAfter: after.reasons[new.ingress])
                    let isOther = difference.before != difference.after || before != now
                    if difference.kind != .changes || isOther {
                        differences.append(difference)
                    }
                }
            }
        }
        return differences
    }
}
