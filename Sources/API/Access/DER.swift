/// The few shapes of ASN.1's distinguished encoding that certificates are made of (X.690).
enum DER {
    static let sequenceTag: UInt8 = 0x30
    static let setTag: UInt8 = 0x31

    // MARK: writing

    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    static func sequence(_ parts: [[UInt8]]) -> [UInt8] { value(sequenceTag, parts.flatMap { $0 }) }
    static func set(_ parts: [[UInt8]]) -> [UInt8] { value(setTag, parts.flatMap { $0 }) }
    static func octets(_ content: [UInt8]) -> [UInt8] { value(0x04, content) }
    static func bits(_ content: [UInt8]) -> [UInt8] { value(0x03, [0] + content) }
    static func boolean(_ flag: Bool) -> [UInt8] { value(0x01, [flag ? 0xff : 0]) }
    static func text(_ text: String) -> [UInt8] { value(0x0c, Array(text.utf8)) }
    /// `YYYYMMDDHHMMSSZ`
    static func time(_ text: String) -> [UInt8] { value(0x18, Array(text.utf8)) }

    /// A number that is not negative, big end first.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = Array(bytes.drop { $0 == 0 })
        if bytes.first.map({ $0 & 0x80 != 0 }) ?? true { bytes.insert(0, at: 0) }
        return value(0x02, bytes)
    }

    /// An object identifier, as 2.5.4.3.
    static func identifier(_ arcs: [UInt64]) -> [UInt8] { value(0x06, encoded(arcs)) }

    static func encoded(_ arcs: [UInt64]) -> [UInt8] {
        guard arcs.count > 1 else { return [] }
        return ([arcs[0] * 40 + arcs[1]] + arcs[2...]).flatMap { arc in
            var groups = [UInt8(truncatingIfNeeded: arc & 0x7f)]
            var rest = arc >> 7
            while rest > 0 {
                groups.append(UInt8(truncatingIfNeeded: rest & 0x7f) | 0x80)
                rest >>= 7
            }
            return groups.reversed()
        }
    }

    private static func length(_ count: Int) -> [UInt8] {
        if count < 0x80 { return [UInt8(count)] }
        var bytes: [UInt8] = []
        var rest = count
        while rest > 0 {
            bytes.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(bytes.count)] + bytes
    }

    // MARK: reading

    /// A value among others.
    struct Value {
        var tag: UInt8
        var content: ArraySlice<UInt8>
    }

    /// The values one after the other; those before the first that is malformed.
    static func values(_ bytes: ArraySlice<UInt8>) -> [Value] {
        var values: [Value] = []
        var rest = bytes
        while let tag = rest.popFirst(), let count = readLength(&rest), count <= rest.count {
            values.append(Value(tag: tag, content: rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return values
    }

    private static func readLength(_ rest: inout ArraySlice<UInt8>) -> Int? {
        guard let first = rest.popFirst() else { return nil }
        if first < 0x80 { return Int(first) }
        let count = Int(first & 0x7f)
        guard (1...4).contains(count), rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
    }
}
