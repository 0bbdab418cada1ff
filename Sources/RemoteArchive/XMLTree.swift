/// The answers of S3: elements and text, read strictly and whole.
///
/// Not XMLParser: with the runtime linked into the binary it brings libxml2 and with that ICU, 36
/// MB more to install and a quarter more time to start, for some twenty tags. What S3 never sends
/// is refused, above all document types and the entities they declare.
struct XMLTree: Hashable, Sendable {
    var name: String
    /// What is directly in the element, without what is in those inside it.
    var text = ""
    var children: [XMLTree] = []

    func first(_ name: String) -> XMLTree? { children.first { $0.name == name } }

    /// The text of the first child of that name.
    subscript(_ name: String) -> String? { first(name)?.text }

    func all(_ name: String) -> [XMLTree] { children.filter { $0.name == name } }

    static func parse(_ bytes: [UInt8]) throws(RemoteError) -> XMLTree {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw XMLReader.failure("no UTF-8", 0)
        }
        var reader = XMLReader(bytes: bytes)
        return try reader.document()
    }
}

private struct XMLReader {
    let bytes: [UInt8]
    private var at = 0

    private static let depthMax = 16
    private static let nameBytesMax = 100

    init(bytes: [UInt8]) { self.bytes = bytes }

    static func failure(_ what: String, _ offset: Int) -> RemoteError {
        RemoteError(
            .malformedAnswer, "the server's answer is no XML of S3: \(what) at byte \(offset)",
            remedy: "check that the endpoint is one of S3")
    }

    private func failure(_ what: String) -> RemoteError { Self.failure(what, at) }

    mutating func document() throws(RemoteError) -> XMLTree {
        _ = take([0xEF, 0xBB, 0xBF])
        skipSpace()
        if take("<?xml".utf8) {
            while at < bytes.count, !take("?>".utf8) { at += 1 }
            skipSpace()
        }
        guard take("<".utf8) else { throw failure("no element") }
        let root = try element(depth: 1)
        skipSpace()
        guard at == bytes.count else { throw failure("something after its end") }
        return root
    }

    /// After its `<`.
    private mutating func element(depth: Int) throws(RemoteError) -> XMLTree {
        guard depth <= Self.depthMax else { throw failure("too many elements inside each other") }
        var tree = XMLTree(name: try name())
        if try attributes() { return tree }
        var text: [UInt8] = []
        while at < bytes.count {
            if take("</".utf8) {
                guard try name() == tree.name else { throw failure("an end without its begin") }
                skipSpace()
                guard take(">".utf8) else { throw failure("no >") }
                tree.text = String(decoding: text, as: UTF8.self)
                return tree
            }
            if take("<".utf8) {
                tree.children.append(try element(depth: depth + 1))
            } else if take("&".utf8) {
                text += try entity()
            } else {
                text.append(bytes[at])
                at += 1
            }
        }
        throw failure("an element without its end")
    }

    /// Past those of a start tag, which say nothing here; true when it is also the end.
    private mutating func attributes() throws(RemoteError) -> Bool {
        while true {
            skipSpace()
            if take(">".utf8) { return false }
            if take("/>".utf8) { return true }
            _ = try name()
            guard take("=".utf8), at < bytes.count else { throw failure("no value") }
            let quote = bytes[at]
            guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
                let end = bytes[(at + 1)...].firstIndex(of: quote)
            else { throw failure("no quotes") }
            at = end + 1
        }
    }

    private mutating func name() throws(RemoteError) -> String {
        let start = at
        while at < bytes.count, PercentEncoding.isPlain(bytes[at]) || bytes[at] == 58 { at += 1 }
        guard (1...Self.nameBytesMax).contains(at - start) else { throw failure("no name") }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// After its `&`.
    private mutating func entity() throws(RemoteError) -> [UInt8] {
        guard let end = bytes[at...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw failure("an & alone")
        }
        let name = String(decoding: bytes[at..<end], as: UTF8.self)
        let known = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
        defer { at = end + 1 }
        if let text = known[name] { return Array(text.utf8) }
        let value =
            name.hasPrefix("#x")
            ? UInt32(name.dropFirst(2), radix: 16)
            : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
        guard let value, let scalar = Unicode.Scalar(value) else {
            throw failure("an entity that is not known")
        }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func skipSpace() {
        while at < bytes.count, [9, 10, 13, 32].contains(bytes[at]) { at += 1 }
    }

    private mutating func take(_ expected: some Collection<UInt8>) -> Bool {
        guard bytes[at...].starts(with: expected) else { return false }
        at += expected.count
        return true
    }
}
