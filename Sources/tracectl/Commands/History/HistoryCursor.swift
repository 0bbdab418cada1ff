import ArgumentParser

/// Where a page ended: a position for each log.
struct HistoryCursor: ExpressibleByArgument, Hashable {
    var positions: [Int64]

    init(positions: [Int64]) { self.positions = positions }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        positions = parts.compactMap { $0 == "end" ? .max : Int64($0) }
        guard positions.count == parts.count, positions.allSatisfy({ $0 > 0 }) else { return nil }
    }

    var text: String {
        positions.map { $0 == .max ? "end" : String($0) }.joined(separator: ",")
    }
}
