/// Writes the fields of a Protocol Buffers message; what is 0 or empty is left out, as proto3 has
/// it.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 16) { bytes.reserveCapacity(capacity) }

    mutating func put(_ field: Int, _ value: Int64) {
        guard value != 0 else { return }
        varint(UInt64(field << 3))
        varint(UInt64(bitPattern: value))
    }

    mutating func put(_ field: Int, _ text: String) {
        put(field, text.isEmpty ? nil : text as String?)
    }

    /// An optional text, which is written even if it is empty.
    mutating func put(_ field: Int, _ text: String?) {
        guard let text else { return }
        varint(UInt64(field << 3 | 2))
        varint(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// A message, which is written even if it is empty.
    mutating func put(_ field: Int, message: WireWriter) {
        varint(UInt64(field << 3 | 2))
        varint(UInt64(message.bytes.count))
        bytes.append(contentsOf: message.bytes)
    }

    /// Begins another message in the same place.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// A map, in the order of its keys, so that equal maps have equal bytes.
    mutating func put(_ field: Int, _ map: [String: String]) {
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            var entry = WireWriter()
            entry.put(1, key)
            entry.put(2, value)
            put(field, message: entry)
        }
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
