/// First-attempt traces of one lane, first in, first out, as ranges.
///
///     append ──▶ back ──range broken off──▶ packed ──front used up──▶ front ──▶ dropFirst
///
/// Only the first and the last range are kept open; those between are packed as the differences to
/// the range before, a few bytes each, because ten million traces of mixed lanes make millions of
/// ranges. Invariants: positions and streams go up; `front` is empty only if all is.
struct RunQueue: Sendable {
    private static let none = WaitingRange(position: 0, stream: 0, count: 0)

    private(set) var front = RunQueue.none
    private var back = RunQueue.none
    private var packed: [UInt8] = []
    private var read = 0
    /// What the next range to be unpacked, and the next to be packed, are told apart from.
    private var unpackedLast: (position: Int64, stream: Int64) = (0, 0)
    private var packedLast: (position: Int64, stream: Int64) = (0, 0)

    var isEmpty: Bool { front.count == 0 }

    /// Returns false, and takes nothing, if position and stream do not both go on upwards.
    mutating func append(position: Int64, stream: Int64) -> Bool {
        if isEmpty {
            front = WaitingRange(position: position, stream: stream)
        } else if back.count > 0 {
            guard position > back.lastPosition, stream > back.lastStream else { return false }
            if back.join(position, stream) { return true }
            pack(back)
            back = WaitingRange(position: position, stream: stream)
        } else {
            guard position > front.lastPosition, stream > front.lastStream else { return false }
            if front.join(position, stream) { return true }
            back = WaitingRange(position: position, stream: stream)
        }
        return true
    }

    /// Takes a whole range in at the end; false, and nothing, if it does not go on upwards.
    mutating func append(_ range: WaitingRange) -> Bool {
        guard range.count > 0, range.stride > 0,
            append(position: range.position, stream: range.stream)
        else { return false }
        if back.count == 1 {
            back = range
        } else if back.count == 0, front.count == 1 {
            front = range
        } else {
            // Its first entry has joined the range before; so may others.
            var rest = range
            rest.dropFirst()
            while rest.count > 0, append(position: rest.position, stream: rest.stream) {
                rest.dropFirst()
            }
        }
        return true
    }

    mutating func dropFirst() {
        front.dropFirst()
        guard front.count == 0 else { return }
        if read < packed.count {
            front = Self.unpack(packed, &read, &unpackedLast)
            reclaim()
        } else {
            front = back
            back = RunQueue.none
        }
    }

    /// The ranges from first to last.
    func forEach(_ body: (WaitingRange) -> Void) {
        if front.count > 0 { body(front) }
        var (index, last) = (read, unpackedLast)
        while index < packed.count { body(Self.unpack(packed, &index, &last)) }
        if back.count > 0 { body(back) }
    }

    /// Gives back the bytes that were read, once they are half of all.
    private mutating func reclaim() {
        if read == packed.count {
            packed = []
            read = 0
            (unpackedLast, packedLast) = ((0, 0), (0, 0))
        } else if read > 4096, read * 2 > packed.count {
            packed.removeFirst(read)
            read = 0
        }
    }

    private mutating func pack(_ range: WaitingRange) {
        put(range.position - packedLast.position)
        put(range.stream - packedLast.stream)
        put(Int64(range.count))
        if range.count > 1 { put(range.stride) }
        packedLast = (range.lastPosition, range.lastStream)
    }

    private static func unpack(
        _ bytes: [UInt8], _ index: inout Int, _ last: inout (position: Int64, stream: Int64)
    ) -> WaitingRange {
        var range = WaitingRange(
            position: last.position + get(bytes, &index),
            stream: last.stream + get(bytes, &index), count: Int(get(bytes, &index)))
        if range.count > 1 { range.stride = get(bytes, &index) }
        last = (range.lastPosition, range.lastStream)
        return range
    }

    private mutating func put(_ number: Int64) {
        var rest = UInt64(bitPattern: number)
        while rest >= 0x80 {
            packed.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        packed.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func get(_ bytes: [UInt8], _ index: inout Int) -> Int64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return Int64(bitPattern: number)
    }
}
