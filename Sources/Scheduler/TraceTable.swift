/// A small number for each stream, 0 for most: the numbers of a thousand neighbours share a chunk,
/// and a chunk of nothing but zeros is given back. Ten million waiting traces take 40 MiB.
struct TraceTable: Sendable {
    fileprivate struct Chunk: Sendable {
        var values = [UInt32](repeating: 0, count: 1 << Int(TraceTable.chunkBits))
        var used = 0
    }

    private static let chunkBits: Int64 = 10

    private var directory: [Int64: Int] = [:]
    private var chunks: [Chunk?] = []
    private var vacant: [Int] = []
    /// The chunk that was last written to; neighbours come one after the other.
    private var recent: (number: Int64, place: Int)?

    subscript(_ stream: Int64) -> UInt32 {
        guard let place = place(stream >> Self.chunkBits) else { return 0 }
        return chunks[place]?.values[Self.offset(stream)] ?? 0
    }

    mutating func set(_ stream: Int64, to value: UInt32) {
        let number = stream >> Self.chunkBits
        guard let place = place(number) ?? (value == 0 ? nil : add(number)) else { return }
        recent = (number, place)
        let change = chunks[place]?.set(Self.offset(stream), to: value)
        if change == 0 { remove(number, place) }
    }

    private func place(_ number: Int64) -> Int? {
        if let recent, recent.number == number { return recent.place }
        return directory[number]
    }

    private mutating func add(_ number: Int64) -> Int {
        let place = vacant.popLast() ?? chunks.count
        if place == chunks.count { chunks.append(Chunk()) } else { chunks[place] = Chunk() }
        directory[number] = place
        return place
    }

    private mutating func remove(_ number: Int64, _ place: Int) {
        directory[number] = nil
        chunks[place] = nil
        vacant.append(place)
        recent = nil
    }

    private static func offset(_ stream: Int64) -> Int { Int(stream & (1 << chunkBits - 1)) }
}

extension TraceTable.Chunk {
    /// Returns how many numbers are not zero now.
    mutating func set(_ offset: Int, to value: UInt32) -> Int {
        used += (value == 0 ? 0 : 1) - (values[offset] == 0 ? 0 : 1)
        values[offset] = value
        return used
    }
}
