/// A column of numbers as bytes: each takes as many bits as the widest needs.
///
///     kind · width · least (8 bytes) · first (8 bytes) · packed bits · 8 bytes of room · anchors
///
/// Numbers that grow are kept as differences where that takes fewer bits. Unless these are all the
/// same, each number whose place is a multiple of 256 then stands at the end once more as it is, an
/// anchor of 8 bytes, so that one costs no more than 255 differences. All is little-endian.
enum PackedColumn {
    private static let headerBytes = 18
    private static let anchorEvery = 256
    /// A number is read by one load of 64 bits wherever in a byte it begins.
    private static let widthMax = 57

    static func bytes(_ values: [Int64]) -> [UInt8] {
        let plain = Frame(values)
        let differences = zip(values.dropFirst(), values).map { $0 &- $1 }
        let grown = Frame(differences)
        let isGrown = grown.width + 2 <= plain.width
        return isGrown
            ? pack(differences, grown, kind: 1, first: values.first ?? 0)
                + (grown.width > 0 ? anchors(of: values) : [])
            : pack(values, plain, kind: 0, first: 0)
    }

    private static func anchors(of values: [Int64]) -> [UInt8] {
        stride(from: anchorEvery, to: values.count, by: anchorEvery).flatMap { place in
            withUnsafeBytes(of: values[place].littleEndian) { Array($0) }
        }
    }

    private static func packedBytes(_ count: Int, _ width: Int) -> Int {
        headerBytes + (count * width + 7) / 8 + 8
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
            repeating: 0, count: packedBytes(values.count, frame.width))
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
    static func value(_ bytes: UnsafeRawBufferPointer, at place: Int, of count: Int) -> Int64? {
        guard place >= 0, place < count, bytes.count >= headerBytes else { return nil }
        let (isGrown, width) = (bytes[0] == 1, Int(bytes[1]))
        let packed = isGrown ? count - 1 : count
        let anchorsAt = packedBytes(packed, width)
        guard width <= 64,
            bytes.count >= anchorsAt
                + (isGrown && width > 0 ? 8 * ((count - 1) / anchorEvery) : 0)
        else { return nil }
        func word(at offset: Int) -> Int64 {
            Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
        }
        let (least, mask) = (word(at: 2), width == 64 ? UInt64.max : (1 << UInt64(width)) - 1)
        func held(at place: Int) -> Int64 {
            let bit = headerBytes * 8 + place * width
            let bits = UInt64(bitPattern: word(at: bit >> 3)) >> UInt64(bit & 7)
            return least &+ Int64(bitPattern: bits & mask)
        }
        guard isGrown else { return held(at: place) }
        guard width > 0 else { return word(at: 10) &+ least &* Int64(place) }
        let anchor = place / anchorEvery
        var value = anchor == 0 ? word(at: 10) : word(at: anchorsAt + 8 * (anchor - 1))
        for place in anchor * anchorEvery..<place { value &+= held(at: place) }
        return value
    }

    /// The numbers again; nil for bytes that do not hold so many.
    static func values(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Int64]? {
        guard bytes.count >= headerBytes, count >= 0 else { return nil }
        let (isGrown, width) = (bytes[0] == 1, Int(bytes[1]))
        let packed = isGrown ? max(0, count - 1) : count
        guard width <= 64, bytes.count >= packedBytes(packed, width) else { return nil }
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
