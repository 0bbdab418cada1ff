/// A small number for each stream, 0 for most: the numbers of a thousand neighbours share a chunk,
/// and a chunk of nothing but zeros is given back.
///
/// A chunk that has one number in one stretch, as requests that come in runs make them, is that
/// stretch; another is an array. So ten million waiting traces take 40 MiB, or next to nothing.
struct TraceTable: Sendable {
    fileprivate struct Chunk: Sendable {
        /// Empty as long as `stretch` says it all.
        var values: [UInt32] = []
        var value: UInt32 = 0
        var stretch: Range<Int32> = 0..<0
        /// How many numbers are not zero.
        var used = 0
    }

    fileprivate static let chunkBits: Int64 = 10

    private var directory: [Int64: Int] = [:]
    private var chunks: [Chunk] = []
    private var vacant: [Int] = []
    /// The chunk that was last written to; neighbours come one after the other.
    private var recent: (number: Int64, place: Int)?

    subscript(_ stream: Int64) -> UInt32 {
        guard let place = place(stream >> Self.chunkBits) else { return 0 }
        return chunks[place].number(at: Self.offset(stream))
    }

    mutating func set(_ stream: Int64, to value: UInt32) {
        let number = stream >> Self.chunkBits
        guard let place = place(number) ?? (value == 0 ? nil : add(number)) else { return }
        recent = (number, place)
        chunks[place].set(Self.offset(stream), to: value)
        if chunks[place].used == 0 { remove(number, place) }
    }

    private func place(_ number: Int64) -> Int? {
        if let recent, recent.number == number { return recent.place }
        return directory[number]
    }

    private mutating func add(_ number: Int64) -> Int {
        let place = vacant.popLast() ?? chunks.count
        if place == chunks.count { chunks.append(Chunk()) }
        directory[number] = place
        return place
    }

    private mutating func remove(_ number: Int64, _ place: Int) {
        directory[number] = nil
        chunks[place] = Chunk()
        vacant.append(place)
        recent = nil
    }

    private static func offset(_ stream: Int64) -> Int32 {
        Int32(stream & (1 << chunkBits - 1))
    }
}

extension TraceTable.Chunk {
    func number(at offset: Int32) -> UInt32 {
        if values.isEmpty { return stretch.contains(offset) ? value : 0 }
        return values[Int(offset)]
    }

    mutating func set(_ offset: Int32, to new: UInt32) {
        let old = number(at: offset)
        if old == new { return }
        used += (new == 0 ? 0 : 1) - (old == 0 ? 0 : 1)
        if values.isEmpty, stretches(offset, to: new) { return }
        if values.isEmpty { unfold() }
        values[Int(offset)] = new
    }

    /// Changes the stretch, if it is one then still; `offset` has another number than `new`.
    private mutating func stretches(_ offset: Int32, to new: UInt32) -> Bool {
        if stretch.isEmpty {
            value = new
            stretch = offset..<offset + 1
        } else if new == value, offset == stretch.upperBound {
            stretch = stretch.lowerBound..<offset + 1
        } else if new == 0, offset == stretch.lowerBound {
            stretch = offset + 1..<stretch.upperBound
        } else if new == 0, offset == stretch.upperBound - 1 {
            stretch = stretch.lowerBound..<offset
        } else {
            return false
        }
        return true
    }

    private mutating func unfold() {
        values = [UInt32](repeating: 0, count: 1 << Int(TraceTable.chunkBits))
        for offset in stretch { values[Int(offset)] = value }
    }
}
