import Worker

/// Something that happens at a moment of the world's time.
enum Occurrence: Sendable {
    /// Requesters begin to ask for things.
    case burst
    case act(client: Int)
    case start(host: Int)
    case resume(host: Int)
    case report(host: Int, incarnation: Int, BackendReport)
    case fault(Fault)
    case clears(Fault)
}

/// What is to come, the earliest first; of equal moments, what was put in first.
struct EventQueue {
    private struct Entry {
        var at: Int64
        var number: Int
        var occurrence: Occurrence

        func isBefore(_ other: Entry) -> Bool {
            at != other.at ? at < other.at : number < other.number
        }
    }

    private var heap: [Entry] = []
    private var made = 0

    var nextAt: Int64? { heap.first?.at }

    /// How many of those that the closure picks are to come.
    func count(where isMeant: (Occurrence) -> Bool) -> Int {
        heap.count { isMeant($0.occurrence) }
    }

    mutating func put(_ occurrence: Occurrence, at moment: Int64) {
        made += 1
        heap.append(Entry(at: moment, number: made, occurrence: occurrence))
        var place = heap.count - 1
        while place > 0, heap[place].isBefore(heap[(place - 1) / 2]) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func takeFirst() -> Occurrence? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first.occurrence }
        heap[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            if least == place { return first.occurrence }
            heap.swapAt(place, least)
            place = least
        }
    }
}
