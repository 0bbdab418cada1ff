import Traceflow

/// Where each trace of the state is to be found.
///
///     absent ──▶ waiting (a lane's number, no more) ──▶ known (a life in a slot) ──▶ absent
///
/// A first attempt that waits is one number of `table`; any other trace has a slot.
struct TraceBook: Sendable {
    enum Place: Hashable, Sendable {
        case absent
        case waiting(lane: Int)
        case known(slot: Int)
    }

    /// How a Pending trace of a slot waits.
    enum Wait: Hashable, Sendable {
        case none
        /// Until its backoff is over.
        case resting
        case lined(lane: Int)
    }

    struct Slot: Sendable {
        var id: TraceID
        var life: TraceLife
        /// Where it was queued, for a trace that is in a lane by itself.
        var position: Int64
        var wait = Wait.none
        var isTouched = false
        var isUsed = true
        /// What the running attempt holds.
        var tag = 0
        var nodes: [Int32] = []
        var executor = 0
    }

    private var table = TraceTable()
    var slots: [Slot] = []
    private var vacant: [Int] = []

    private static let slotBit: UInt32 = 1 << 31

    var slotCount: Int { slots.count - vacant.count }

    func place(of id: TraceID) -> Place {
        let value = table[id.rawValue]
        if value == 0 { return .absent }
        if value & Self.slotBit == 0 { return .waiting(lane: Int(value) - 1) }
        return .known(slot: Int(value & ~Self.slotBit))
    }

    /// The slot of a trace that has one.
    func slot(of id: TraceID) -> Int? {
        if case .known(let slot) = place(of: id) { slot } else { nil }
    }

    mutating func setWaiting(_ id: TraceID, lane: Int) {
        table.set(id.rawValue, to: UInt32(lane + 1))
    }

    mutating func add(_ id: TraceID, _ life: TraceLife, position: Int64) -> Int {
        let slot = Slot(id: id, life: life, position: position)
        let number = vacant.popLast() ?? slots.count
        if number == slots.count { slots.append(slot) } else { slots[number] = slot }
        table.set(id.rawValue, to: UInt32(number) | Self.slotBit)
        return number
    }

    /// Forgets a trace that has a slot.
    mutating func remove(slot: Int) {
        table.set(slots[slot].id.rawValue, to: 0)
        slots[slot].isUsed = false
        slots[slot].nodes = []
        vacant.append(slot)
    }

    /// Whether an entry of an agenda still says something about its trace.
    func isCurrent(_ entry: Agenda.Entry, _ kind: Agenda.Kind) -> Bool {
        guard let slot = slot(of: entry.trace) else { return false }
        switch kind {
        case .touched: return slots[slot].isTouched
        case .deadline:
            return slots[slot].life.allocation?.deadline.microseconds == entry.key
        case .resting:
            return slots[slot].wait == .resting
                && slots[slot].life.notBefore?.microseconds == entry.key
        case .retried:
            if case .lined = slots[slot].wait { return slots[slot].position == entry.key }
            return false
        }
    }
}
