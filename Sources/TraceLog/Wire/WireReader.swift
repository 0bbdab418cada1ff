/// Reads the fields of a Protocol Buffers message in place (protobuf.dev, "Encoding").
///
/// For the events that make up a replay: the generated code copies every message into values of
/// its own first, which costs more than reading the event from the database.
struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    /// A field as it lies in the message: a number, or where its bytes are.
    struct Field {
        var number: Int
        var value: UInt64
        var bytes: UnsafeRawBufferPointer?
    }

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field; nil at the end. Those of a fixed width, which none of our messages has,
    /// are passed over as any that nobody knows.
    mutating func next() throws(Malformed) -> Field? {
        while offset < bytes.count {
            let key = try varint()
            let number = Int(truncatingIfNeeded: key >> 3)
            guard number > 0 else { throw Malformed(what: "a field without a number") }
            switch key & 7 {
            case 0: return Field(number: number, value: try varint(), bytes: nil)
            case 1: _ = try take(8)
            case 2: return Field(number: number, value: 0, bytes: try take(varint()))
            case 5: _ = try take(4)
            case let kind: throw Malformed(what: "a field of kind \(kind)")
            }
        }
        return nil
    }

    private mutating func take(_ count: UInt64) throws(Malformed) -> UnsafeRawBufferPointer {
        guard count <= UInt64(bytes.count - offset) else {
            throw Malformed(what: "a field beyond the end")
        }
        defer { offset += Int(count) }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(count)])
    }

    mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            guard shift < 70 else { throw Malformed(what: "a number too long") }
        }
        throw Malformed(what: "a number beyond the end")
    }

    var isAtEnd: Bool { offset >= bytes.count }
}

/// The numbers of an event's symbols, by their place; 0 where there is none.
struct SymbolNumbers {
    private(set) var first: Int64 = 0
    private(set) var second: Int64 = 0
    private(set) var third: Int64 = 0
    private(set) var fourth: Int64 = 0

    /// The field of every message that has symbols.
    static let field = 15

    /// Reads the packed list; numbers beyond the fourth have no meaning yet.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        var reader = WireReader(bytes)
        var place = 0
        while !reader.isAtEnd {
            let number = Int64(bitPattern: try reader.varint())
            switch place {
            case 0: first = number
            case 1: second = number
            case 2: third = number
            case 3: fourth = number
            case _: break
            }
            place += 1
        }
    }

    init() {}

    init(_ numbers: [UInt64]) {
        let all = numbers.map { Int64(bitPattern: $0) } + [0, 0, 0, 0]
        (first, second, third, fourth) = (all[0], all[1], all[2], all[3])
    }
}
