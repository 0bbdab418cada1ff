import Kubernetes
import Scheduler
import Traceflow
import Worker

/// A column of a `Table` (k8s.io/apimachinery, meta/v1).
struct TableColumn: Hashable, Sendable {
    var name: String
    var type = "string"
    /// Columns of another priority than 0 are shown by `-o wide` alone.
    var priority: Int64 = 0

    var json: JSONValue {
        [
            "name": .string(name), "type": .string(type),
            "format": name == "Name" ? "name" : "", "description": "", "priority": .int(priority),
        ]
    }

    private static let wide: Int64 = 10

    /// Antrea's printer columns, and for our own kinds those of `tracectl get`.
    static func of(_ kind: ResourceKind) -> [TableColumn] {
        let name = TableColumn(name: "Name")
        let age = TableColumn(name: "Age", type: "date")
        func wide(_ name: String, _ type: String = "string") -> TableColumn {
            TableColumn(name: name, type: type, priority: Self.wide)
        }
        switch kind {
        case .traceflow:
            return [
                name, TableColumn(name: "Phase"), wide("Source-Pod"), wide("Destination-Pod"),
                wide("Destination-IP"), wide("Live-Traffic", "boolean"),
                wide("Dropped-Only", "boolean"), wide("Timeout", "integer"), age,
            ]
        case .packetCapture:
            return [
                name, age, TableColumn(name: "Captured-Packets", type: "integer"),
                TableColumn(name: "Started"), TableColumn(name: "Complete"), wide("Source-Pod"),
                wide("Destination-Pod"), wide("Source-IP"), wide("Destination-IP"),
                wide("Timeout", "integer"), wide("Uploaded"),
            ]
        case .traceSchedule:
            return [
                name, TableColumn(name: "Schedule"), TableColumn(name: "Timezone"),
                TableColumn(name: "Suspend", type: "boolean"),
                TableColumn(name: "Active", type: "integer"), TableColumn(name: "Last"),
                TableColumn(name: "Next"), TableColumn(name: "Probe"),
            ]
        case .traceSweep:
            return [
                name, TableColumn(name: "Phase"), TableColumn(name: "Pairs", type: "integer"),
                TableColumn(name: "Traces"), TableColumn(name: "Delivered", type: "integer"),
                TableColumn(name: "Dropped", type: "integer"),
                TableColumn(name: "Rejected", type: "integer"),
                TableColumn(name: "Failed", type: "integer"), age,
            ]
        }
    }
}

extension TraceView {
    /// The cells of the trace's row.
    func cells(at now: Moment) -> [JSONValue] {
        let age = JSONValue.string(Age.text(from: createdAt, to: now))
        if request.packetCapture != nil {
            let cells = captureCells
            return [
                .string(objectName), age, Int64(cells.captured).map { .int($0) } ?? .null,
                .string(cells.started), .string(cells.complete),
            ] + cells.wide.map { .string($0) }
        }
        let spec = request.spec
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        return [
            .string(name), .string(trace.phase.rawValue), text(spec.source?.pod),
            text(spec.destination?.pod), text(spec.destination?.ip),
            spec.liveTraffic.map { .bool($0) } ?? .null,
            spec.droppedOnly.map { .bool($0) } ?? .null,
            spec.timeout.map { .int(Int64($0)) } ?? .null, age,
        ]
    }
}

extension ScheduleBook.Entry {
    func cells(at now: Moment) -> [JSONValue] {
        let timing =
            switch life.spec.timing {
            case .every(let seconds): "every \(ScheduleLength.text(seconds))"
            case .cron(let expression, _): expression.text
            }
        let probe =
            life.spec.expectation == nil
            ? "-" : life.isBroken ? life.brokenWord : life.lastSlot == nil ? "Unknown" : "Healthy"
        return [
            .string(name), .string(timing), .string(life.spec.zone), .bool(life.isPaused),
            .int(Int64(life.runs.count)), .string(life.lastSlot?.text ?? "<none>"),
            .string(nextSlot?.text ?? "<none>"), .string(probe),
        ]
    }
}

extension SweepBook.Entry {
    func cells(at now: Moment) -> [JSONValue] {
        [
            .string(name), .string(phase.rawValue), .int(request.cells),
            .string(
                phase == .finished ? String(request.total) : "\(tally.ended)/\(request.total)"),
            .int(Int64(tally.delivered)), .int(Int64(tally.dropped)), .int(Int64(tally.rejected)),
            .int(Int64(tally.notSucceeded)),
            .string(Age.text(from: requestedAt, to: now)),
        ]
    }
}
