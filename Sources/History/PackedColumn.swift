/// A column of numbers as bytes: each takes as many bits as the widest needs.
///
///     kind · width · least (8 bytes) · first (8 bytes) · packed bits · 8 bytes of room
///
/// Numbers that grow are kept as differences where that takes fewer bits. All is little-endian.
enum PackedColumn {
    private static let headerBytes = 18
    /// A number is read by one load of 64 bits wherever in a byte it begins.
    private static let widthMax = 57

    static func bytes(_ values: [Int64]) -> [UInt8] {
        let plain = Frame(values)
        let differences = zip(values.dropFirst(), values).map { $0 &- $1 }
        let grown = Frame(differences)
        let isGrown = grown.width + 2 <= plain.width
        return isGrown
            ? pack(differences, grown, kind: 1, first: values.first ?? 0)
            : pack(values, plain, kind: 0, first: 0)
    }

    private struct Frame {
        var least: Int64 = 0
        var width = 0

        init(_ values: [Int64]) {
            guard var (low, high) = values.first.map({ ($0, $0) }) else { return }
            for value in values {
                low = min(low, value)
                high = max(high, value)
            }
            least = low
            width = UInt64.bitWidth - UInt64(bitPattern: high &- low).leadingZeroBitCount
            if width > PackedColumn.widthMax { width = 64 }
        }
    }

    private static func pack(
        _ values: [Int64], _ frame: Frame, kind: UInt8, first: Int64
    ) -> [UInt8] {
        var bytes = [UInt8](
            repeating: 0, count: headerBytes + (values.count * frame.width + 7) / 8 + 8)
        bytes.withUnsafeMutableBytes { bytes in
            bytes[0] = kind
            bytes[1] = UInt8(frame.width)
            bytes.storeBytes(of: frame.least.littleEndian, toByteOffset: 2, as: Int64.self)
            bytes.storeBytes(of: first.littleEndian, toByteOffset: 10, as: Int64.self)
            var bit = headerBytes * 8
            for value in values where frame.width > 0 {
                let (offset, shift) = (bit >> 3, UInt64(bit & 7))
                let held = UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let added = UInt64(bitPattern: value &- frame.least) << shift
                bytes.storeBytes(
                    of: (held | added).littleEndian, toByteOffset: offset, as: UInt64.self)
                bit += frame.width
            }
        }
        return bytes
    }

    /// One number of so many; nil for bytes that do not hold them.
    ///
    /// One that is kept as a difference costs all before it.
    static func value(_ bytes: UnsafeRawBufferPointer, at place: Int, of count: Int) -> Int64? {
        guard bytes.count >= headerBytes, place >= 0, place < count else { return nil }
        let width = Int(bytes[1])
        guard bytes[0] == 0, width <= 64,
            bytes.count >= headerBytes + (count * width + 7) / 8 + 8
        else { return values(bytes, count: count)?[place] }
        func word(at offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        let bit = headerBytes * 8 + place * width
        let mask = width == 64 ? UInt64.max : (1 << UInt64(width)) - 1
        let held = word(at: bit >> 3) >> UInt64(bit & 7) & mask
        return Int64(bitPattern: word(at: 2)) &+ Int64(bitPattern: held)
    }

    /// The sum of the first of so many numbers, and that of all; nil for bytes that do not hold
    /// them.
    static func sums(
        _ bytes: UnsafeRawBufferPointer, first place: Int, of count: Int
    ) -> (first: Int64, all: Int64)? {
        guard bytes.count >= headerBytes, place >= 0, place <= count else { return nil }
        let (width, least) = (
            Int(bytes[1]),
            Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: Int64.self))
        )
        // The same number throughout, as where every trace has two reports.
        if bytes[0] == 0, width == 0 { return (least &* Int64(place), least &* Int64(count)) }
        guard let values = values(bytes, count: count) else { return nil }
        return (values[..<place].reduce(0, &+), values.reduce(0, &+))
    }

    /// The numbers again; nil for bytes that do not hold so many.
    static func values(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Int64]? {
        guard bytes.count >= headerBytes, count >= 0 else { return nil }
        let (isGrown, width) = (bytes[0] == 1, Int(bytes[1]))
        let packed = isGrown ? max(0, count - 1) : count
        guard width <= 64, bytes.count >= headerBytes + (packed * width + 7) / 8 + 8 else {
            return nil
        }
        func number(at offset: Int) -> Int64 {
            Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        }
        let (least, first) = (number(at: 2), number(at: 10))
        let mask = width == 64 ? UInt64.max : (1 << UInt64(width)) - 1
        return [Int64](unsafeUninitializedCapacity: count) { values, filled in
            var bit = headerBytes * 8
            var place = 0
            var last = first
            if isGrown, count > 0 {
                values.initializeElement(at: 0, to: first)
                place = 1
            }
            while place < count {
                let held = UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: bit >> 3, as: UInt64.self))
                let value = least &+ Int64(bitPattern: held >> UInt64(bit & 7) & mask)
                last = isGrown ? last &+ value : value
                values.initializeElement(at: place, to: last)
                bit += width
                place += 1
            }
            filled = count
        }
    }
}
