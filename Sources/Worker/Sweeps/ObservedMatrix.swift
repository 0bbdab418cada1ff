import Cluster
import History
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// What the traces of a sweep found out, as a matrix.
///
/// A member's verdict is that of its last attempt. A trace that ended as Failed for another reason
/// than time has the verdict Unknown; one that has not ended has none. Under `classes` the verdict
/// of a traced pair is that of all it stands for, marked as inferred.
public struct ObservedMatrix: VerdictMatrix {
    public let sources: [String]
    public let destinations: [String]
    public let ports: [Reachability.Port]
    public private(set) var reasons: [String]

    /// For each Pod of the plan, its row and its column.
    private let rows: [Int]
    private let columns: [Int]
    /// By port, row and column: which member speaks of the cell, and whether it was the one traced.
    private var memberOfCell: [Int32]
    private var found: [Found]

    /// What is known of a member.
    private struct Found: Sendable {
        var verdict: Verdict?
        var row: Int32 = -1
        var column: Int32 = -1
        var egress: Int32 = 0
        var ingress: Int32 = 0
    }

    /// The reasons that were met, each with its place.
    private struct Reasons {
        var texts: [String] = []
        private var known: [String: Int32] = [:]

        mutating func place(of text: String) -> Int32 {
            if let place = known[text] { return place }
            let place = Int32(texts.count)
            texts.append(text)
            known[text] = place
            return place
        }
    }

    /// As far as the history is folded; what had ended until the moment, if one is given.
    public init(
        of entry: SweepBook.Entry, plan: SweepPlan, in history: History,
        until moment: Moment? = nil
    ) throws {
        let pairs = plan.pairs
        ports = plan.request.pairs.ports.map {
            Reachability.Port(protocol: $0.protocol, number: $0.number)
        }
        let total = Int(clamping: entry.request.total)
        found = [Found](repeating: Found(), count: total)
        reasons = []
        sources = pairs.sources.map { pairs.pods[$0] }
        destinations = pairs.destinations.map { pairs.pods[$0] }
        rows = Self.places(pairs.sources, pairs.pods.count)
        columns = Self.places(pairs.destinations, pairs.pods.count)
        memberOfCell = [Int32](
            repeating: -1, count: ports.count * sources.count * destinations.count)
        place(pairs, total)
        try read(entry, history, until: moment)
    }

    private static func places(_ pods: [Int], _ count: Int) -> [Int] {
        var places = [Int](repeating: -1, count: count)
        for (place, pod) in pods.enumerated() { places[pod] = place }
        return places
    }

    private func cell(_ row: Int, _ column: Int, _ port: Int) -> Int {
        (port * sources.count + row) * destinations.count + column
    }

    /// Says of each cell which member speaks of it.
    private mutating func place(_ pairs: SweptPairs, _ total: Int) {
        let chunk = 100_000
        for first in stride(from: 0, to: total, by: chunk) {
            let range = Int64(first)..<Int64(min(first + chunk, total))
            for (member, traced) in zip(range, pairs.members(range)) {
                found[Int(member)].row = Int32(rows[traced.pair.source])
                found[Int(member)].column = Int32(columns[traced.pair.destination])
                for pair in pairs.cells(of: traced.pair) {
                    memberOfCell[cell(rows[pair.source], columns[pair.destination], traced.port)] =
                        Int32(member)
                }
            }
        }
    }

    private mutating func read(
        _ entry: SweepBook.Entry, _ history: History, until moment: Moment?
    ) throws {
        var reasons = Reasons()
        let undecided = reasons.place(of: "no policy decides")
        let unknown = reasons.place(of: "nobody saw it")
        var sides: [Int64: (egress: Int32?, ingress: Int32?)] = [:]
        try history.members(of: entry.id, until: moment) { member in
            guard member.number >= 0, member.number < Int64(found.count) else { return }
            let place = Int(member.number)
            found[place].verdict = member.verdict
            (found[place].egress, found[place].ingress) = (unknown, unknown)
            for report in member.reports {
                let side: (egress: Int32?, ingress: Int32?)
                if let known = sides[report] {
                    side = known
                } else {
                    side = Self.sides(try history.report(report), undecided, &reasons)
                    sides[report] = side
                }
                if let egress = side.egress { found[place].egress = egress }
                if let ingress = side.ingress { found[place].ingress = ingress }
            }
        }
        self.reasons = reasons.texts
    }

    /// What one node's report says of either side; nil where it says nothing.
    private static func sides(
        _ report: NodeResult, _ undecided: Int32, _ reasons: inout Reasons
    ) -> (egress: Int32?, ingress: Int32?) {
        let seen = report.observations
        var egress: Int32?
        if seen.first?.component == .spoofGuard {
            egress = reason(seen, "Egress").map { reasons.place(of: $0) } ?? undecided
        }
        if let ingress = reason(seen, "Ingress") { return (egress, reasons.place(of: ingress)) }
        // Nobody behind a node that ends the path has a say.
        guard let last = seen.last?.action, Completion.verdict(of: last) != nil else {
            return (egress, nil)
        }
        return (egress, undecided)
    }

    /// Which policy decided on one side, as the report says it.
    private static func reason(_ seen: [Observation], _ side: String) -> String? {
        guard
            let step = seen.last(where: {
                $0.component == .networkPolicy && $0.componentInfo?.hasPrefix(side) == true
            })
        else { return nil }
        guard let policy = step.networkPolicy else { return "default deny of NetworkPolicies" }
        let rule = step.networkPolicyRule.map { " rule \"\($0)\"" } ?? ""
        return "\(policy)\(rule) (\(step.action.rawValue))"
    }

    // MARK: VerdictMatrix

    private func found(_ source: Int, _ destination: Int, _ port: Int) -> Found? {
        let member = memberOfCell[cell(source, destination, port)]
        return member < 0 ? nil : found[Int(member)]
    }

    public func cell(_ source: Int, _ destination: Int, port: Int) -> Verdict? {
        found(source, destination, port)?.verdict
    }

    public func isInferred(_ source: Int, _ destination: Int, port: Int) -> Bool {
        guard let found = found(source, destination, port) else { return false }
        return found.row != Int32(source) || found.column != Int32(destination)
    }

    public func reason(
        _ source: Int, _ destination: Int, port: Int
    ) -> (egress: Int, ingress: Int)? {
        guard let found = found(source, destination, port), found.verdict != nil else {
            return nil
        }
        return (Int(found.egress), Int(found.ingress))
    }

    public func isSamePod(_ source: Int, _ destination: Int) -> Bool {
        sources[source] == destinations[destination]
    }
}
