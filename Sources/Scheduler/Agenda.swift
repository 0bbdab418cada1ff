import Traceflow

/// Traces to be looked at, the least key first.
///
/// An entry whose trace moved on is not searched for: it is dropped when it comes to the front, or
/// when such entries are more than half. Invariant, kept by `SchedulerState`: the first entry is
/// current.
struct Agenda: Sendable {
    enum Kind: Sendable {
        /// Attempts to be ended whatever the time is; the key is the trace's number.
        case touched
        /// Running attempts by their deadline.
        case deadline
        /// Retried traces by the end of their backoff.
        case resting
        /// Traces that stand in a lane by themselves, by position.
        case retried
    }

    struct Entry: Comparable, Sendable {
        var key: Int64
        var trace: TraceID

        static func < (a: Entry, b: Entry) -> Bool {
            (a.key, a.trace.rawValue) < (b.key, b.trace.rawValue)
        }
    }

    let kind: Kind
    private var heap = MinHeap<Entry>()

    init(_ kind: Kind) { self.kind = kind }

    var first: Entry? { heap.first }
    var entries: [Entry] { heap.elements }

    /// `currentMax` is how many entries can be current; many more are looked through.
    mutating func insert(_ entry: Entry, currentMax: Int, _ book: borrowing TraceBook) {
        heap.insert(entry)
        guard heap.count > 2 * currentMax + Self.slack else { return }
        let kind = kind
        heap.keep { book.isCurrent($0, kind) }
    }

    mutating func removeFirst() { heap.removeFirst() }

    private static let slack = 64
}
