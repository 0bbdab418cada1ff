/// The order in which a sweep goes through pairs: round and round over the pairs of nodes, so that
/// the tags of all nodes stay busy, and no node gets two traces before every other had one.
///
/// A trace holds the same tag on both of its nodes. So a round is made of *matchings*: pairs of
/// nodes of which no two share one, as the days of a tournament are. A matching takes one tag of
/// every node, and fourteen of them fill all fourteen, with none left over that is free on one node
/// and taken on the other. A round takes one pair of each *cell* — the pairs from one node to
/// another — that has one left. Cells of unlike sizes run out one after the other; between two such
/// rounds the same cells take part, and the n-th pair is found by division.
struct PairOrder: Sendable {
    /// One end of pairs.
    struct End: Hashable, Sendable {
        var node: String
        /// Two ends with the same identity make no pair; nil pairs with all.
        var identity: Int?
    }

    /// Where a pair is: the places of its ends in the lists it was made of.
    struct Pair: Hashable, Sendable {
        var source: Int
        var destination: Int
    }

    /// What one node has of both lists.
    private struct Node: Sendable {
        var sources: [Int] = []
        var destinations: [Int] = []
        /// The pairs of the node with itself: how many come before each source's, and which of the
        /// destinations a source makes no pair with.
        var before: [Int] = []
        var skipped: [Int?] = []
        var ownCount = 0
    }

    private struct Cell: Sendable {
        var from: Int32
        var to: Int32
        var count: Int
    }

    /// Rounds in which the same cells take part: those with so many pairs at least.
    private struct Band: Sendable {
        /// The pairs of all bands before this one.
        var first: Int64
        var firstRound: Int
        var size: Int
    }

    private let nodes: [Node]
    private let cells: [Cell]
    private let bands: [Band]
    let count: Int64

    init(sources: [End], destinations: [End]) {
        let names = Set(sources.map(\.node) + destinations.map(\.node)).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var nodes = names.map { _ in Node() }
        for (place, end) in sources.enumerated() {
            numbers[end.node].map { nodes[$0].sources.append(place) }
        }
        for (place, end) in destinations.enumerated() {
            numbers[end.node].map { nodes[$0].destinations.append(place) }
        }
        for number in nodes.indices { Self.thin(&nodes[number], sources, destinations) }
        let cells = Self.tournament(nodes.count).compactMap { from, to -> Cell? in
            let count =
                from == to
                ? nodes[from].ownCount : nodes[from].sources.count * nodes[to].destinations.count
            guard count > 0 else { return nil }
            return Cell(from: Int32(from), to: Int32(to), count: count)
        }
        var bands: [Band] = []
        var (first, round, left) = (Int64(0), 0, cells.count)
        let tally = Dictionary(cells.lazy.map { ($0.count, 1) }, uniquingKeysWith: +)
        for (size, number) in tally.sorted(by: { $0.key < $1.key }) {
            bands.append(Band(first: first, firstRound: round, size: size))
            first += Int64(left) * Int64(size - round)
            (round, left) = (size, left - number)
        }
        self.nodes = nodes
        self.cells = cells
        self.bands = bands
        count = first
    }

    /// All ordered pairs of so many nodes, matching by matching (the circle method): there, the
    /// nodes with themselves, and back.
    private static func tournament(_ count: Int) -> [(from: Int, to: Int)] {
        guard count > 1 else { return count == 1 ? [(0, 0)] : [] }
        // Of an odd number one has no partner each day, and is its own.
        let isOdd = count % 2 == 1
        let circle = isOdd ? count : count - 1
        var there: [(from: Int, to: Int)] = []
        for day in 0..<circle {
            there.append((day, isOdd ? day : circle))
            for step in stride(from: 1, through: (circle - 1) / 2, by: 1) {
                there.append(((day + step) % circle, (day - step + circle) % circle))
            }
        }
        let back = there.filter { $0.from != $0.to }.map { (from: $0.to, to: $0.from) }
        let own = isOdd ? [] : (0..<count).map { (from: $0, to: $0) }
        return there + own + back
    }

    /// The pairs with these numbers; looks at all cells once for each band that they reach.
    func pairs(_ range: Range<Int64>) -> [Pair] {
        var pairs: [Pair] = []
        pairs.reserveCapacity(range.count)
        for (number, band) in bands.enumerated() {
            let end = number + 1 < bands.count ? bands[number + 1].first : count
            let part = range.clamped(to: band.first..<end)
            guard !part.isEmpty else { continue }
            let alive = cells.filter { $0.count >= band.size }
            for number in part {
                let (round, place) = Int(number - band.first).quotientAndRemainder(
                    dividingBy: alive.count)
                pairs.append(pair(band.firstRound + round, of: alive[place]))
            }
        }
        return pairs
    }

    private func pair(_ number: Int, of cell: Cell) -> Pair {
        let (from, to) = (nodes[Int(cell.from)], nodes[Int(cell.to)])
        guard cell.from == cell.to else {
            let (row, column) = number.quotientAndRemainder(dividingBy: to.destinations.count)
            return Pair(source: from.sources[row], destination: to.destinations[column])
        }
        // The last row that begins so early: those before it that begin there too are empty.
        var (row, high) = (0, from.before.count)
        while high - row > 1 {
            let middle = (row + high) / 2
            if from.before[middle] <= number { row = middle } else { high = middle }
        }
        var column = number - from.before[row]
        if let skipped = from.skipped[row], column >= skipped { column += 1 }
        return Pair(source: from.sources[row], destination: from.destinations[column])
    }

    /// Leaves out the pairs of an end with itself, which lie on one node.
    private static func thin(_ node: inout Node, _ sources: [End], _ destinations: [End]) {
        var columns: [Int: Int] = [:]
        for (column, place) in node.destinations.enumerated() {
            if let identity = destinations[place].identity { columns[identity] = column }
        }
        for place in node.sources {
            let skipped = sources[place].identity.flatMap { columns[$0] }
            let count = node.destinations.count - (skipped == nil ? 0 : 1)
            node.before.append(node.ownCount)
            node.skipped.append(skipped)
            node.ownCount += count
        }
    }
}
