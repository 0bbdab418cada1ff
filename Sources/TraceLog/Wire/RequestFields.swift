import Scheduler
import Traceflow

/// The fields of a TraceRequested of schema 2, read in place but for its maps.
struct RequestFields {
    /// Template, source, destination, scope.
    private(set) var symbols = SymbolNumbers()
    /// 0 for none.
    private(set) var sweep: Int64 = 0
    private(set) var member: Int64 = 0
    /// 0 for none.
    private(set) var schedule: Int64 = 0
    /// Whether there are labels or annotations, which the generated code reads.
    private(set) var hasMaps = false
    private var slot: Int64 = 0
    private var name: UnsafeRawBufferPointer?

    /// The payload is to outlive the value.
    init(_ payload: UnsafeRawBufferPointer) throws(Malformed) {
        var reader = WireReader(payload)
        while let field = try reader.next() {
            switch field.number {
            case 1: name = field.bytes
            case 4, 5: hasMaps = true
            case 11: sweep = Int64(bitPattern: field.value)
            case 12: member = Int64(bitPattern: field.value)
            case 13: schedule = Int64(bitPattern: field.value)
            case 14: slot = Int64(bitPattern: field.value)
            case SymbolNumbers.field:
                if let bytes = field.bytes { try symbols.read(bytes) }
            case _: break
            }
        }
    }

    var naming: TraceName {
        if sweep > 0 { return .member(sweep: sweep, number: member) }
        let name = name.map { String(decoding: $0, as: UTF8.self) } ?? ""
        return schedule > 0
            ? .slot(schedule: ScheduleID(schedule), name: name, at: Moment(microseconds: slot))
            : .given(name)
    }
}
