import CYaml
import Yams

/// The documents of a YAML text as values, made while libyaml reads it.
///
/// Yams would first make a tree of its own, which takes longer than the reading. What a plain
/// scalar means is Yams' to say where a look does not tell (`PlainScalar`).
struct YAMLDocuments {
    private let file: String
    private var left: Int
    /// What an alias may repeat.
    private var anchors: [String: Node] = [:]

    /// A value, and how many values lie in it and above each other in it, itself among them.
    private struct Node {
        var value: ManifestValue
        var count = 1
        var height = 1

        /// Counts a value that lies in this one.
        mutating func hold(_ inner: Node) {
            count += inner.count
            height = max(height, inner.height + 1)
        }
    }

    private init(file: String, byteCount: Int) {
        self.file = file
        // A value takes a byte at least; more values than bytes come of aliases alone.
        left = byteCount + 1000
    }

    static func read(_ text: String, file: String) throws(ManifestError) -> [ManifestValue] {
        var text = text
        text.makeContiguousUTF8()
        do {
            return try text.utf8.withContiguousStorageIfAvailable { bytes in
                let mark: [UInt8] = [0xef, 0xbb, 0xbf]
                let content = UnsafeBufferPointer(
                    rebasing: bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0))
                var parser = try Parser(content, file)
                defer { parser.close() }
                var documents = YAMLDocuments(file: file, byteCount: bytes.count)
                return try documents.all(&parser)
            } ?? []
        } catch let error as ManifestError {
            throw error
        } catch {
            throw ManifestError(file: file, message: "\(error)")
        }
    }

    private mutating func all(_ parser: inout Parser) throws(ManifestError) -> [ManifestValue] {
        var documents: [ManifestValue] = []
        while true {
            let event = try parser.next()
            switch event.kind {
            case .end: return documents
            case .document: anchors = [:]
            case .scalar, .list, .map, .alias:
                documents.append(try node(event, depth: 0, &parser).value)
            case .other, .close: continue
            }
        }
    }

    private mutating func node(
        _ event: Event, depth: Int, _ parser: inout Parser
    ) throws(ManifestError) -> Node {
        left -= 1
        guard left > 0, depth < ManifestReader.depthMax else {
            throw error(event, "too deep or too large")
        }
        let node: Node
        switch event.kind {
        case .alias: return try repeated(event, depth: depth)
        case .list: node = try list(event, depth, &parser)
        case .map: node = try map(event, depth, &parser)
        case .scalar, .document, .close, .end, .other:
            node = Node(
                value: ManifestValue(event.content, line: event.line, column: event.column))
        }
        if let anchor = event.anchor { anchors[anchor] = node }
        return node
    }

    private mutating func repeated(
        _ event: Event, depth: Int
    ) throws(ManifestError) -> Node {
        guard let anchor = event.anchor, let node = anchors[anchor] else {
            throw error(event, "not YAML: found undefined alias")
        }
        left -= node.count
        guard left > 0, depth + node.height <= ManifestReader.depthMax else {
            throw error(event, "too deep or too large")
        }
        return node
    }

    private mutating func list(
        _ begin: Event, _ depth: Int, _ parser: inout Parser
    ) throws(ManifestError) -> Node {
        var values: [ManifestValue] = []
        var list = Node(value: ManifestValue(.null, line: begin.line, column: begin.column))
        while true {
            let event = try parser.next()
            if case .close = event.kind { break }
            let node = try node(event, depth: depth + 1, &parser)
            values.append(node.value)
            list.hold(node)
        }
        list.value.content = .list(values)
        return list
    }

    private mutating func map(
        _ begin: Event, _ depth: Int, _ parser: inout Parser
    ) throws(ManifestError) -> Node {
        var entries: [(key: String, value: ManifestValue)] = []
        var map = Node(value: ManifestValue(.null, line: begin.line, column: begin.column))
        var keys = Keys()
        while true {
            let event = try parser.next()
            if case .close = event.kind { break }
            let name = try key(event, begin, &parser)
            guard keys.insert(name, among: entries) else {
                throw error(event, "the key \(name) occurs twice")
            }
            let node = try node(parser.next(), depth: depth + 1, &parser)
            entries.append((name, node.value))
            map.hold(node)
        }
        map.value.content = .map(entries)
        return map
    }

    private mutating func key(
        _ event: Event, _ map: Event, _ parser: inout Parser
    ) throws(ManifestError) -> String {
        switch event.kind {
        case .scalar:
            if let anchor = event.anchor {
                let value = ManifestValue(event.content, line: event.line, column: event.column)
                anchors[anchor] = Node(value: value)
            }
            return event.text
        case .alias:
            if case .string(let name) = try repeated(event, depth: 0).value.content { return name }
        case .list, .map, .document, .close, .end, .other: break
        }
        throw error(map, "a key must be a string")
    }

    private func error(_ event: Event, _ message: String) -> ManifestError {
        ManifestError(file: file, line: event.line, column: event.column, message: message)
    }

    /// The keys of a mapping; a set of its own only for a large one.
    private struct Keys {
        private var all: Set<String> = []
        private static let few = 16

        mutating func insert(
            _ key: String, among entries: [(key: String, value: ManifestValue)]
        ) -> Bool {
            if entries.count < Self.few { return !entries.contains { $0.key == key } }
            if all.isEmpty { all = Set(entries.map(\.key)) }
            return all.insert(key).inserted
        }
    }
}

extension YAMLDocuments {
    /// What libyaml has read next.
    private struct Event {
        enum Kind { case scalar, list, map, alias, document, close, end, other }

        var kind: Kind
        /// From 1.
        var line: Int
        var column: Int
        var anchor: String?
        var text = ""
        var content = ManifestValue.Content.null
    }

    /// libyaml's parser over bytes that outlive it.
    private struct Parser {
        private let parser: UnsafeMutablePointer<yaml_parser_t>
        private let file: String

        init(_ bytes: UnsafeBufferPointer<UInt8>, _ file: String) throws(ManifestError) {
            parser = .allocate(capacity: 1)
            parser.initialize(to: yaml_parser_t())
            self.file = file
            guard yaml_parser_initialize(parser) == 1 else {
                parser.deallocate()
                throw ManifestError(file: file, message: "not enough memory to read it")
            }
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
        }

        func close() {
            yaml_parser_delete(parser)
            parser.deallocate()
        }

        func next() throws(ManifestError) -> Event {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
            defer { yaml_event_delete(&event) }
            var next = Event(
                kind: .other, line: event.start_mark.line + 1,
                column: event.start_mark.column + 1)
            switch event.type {
            case YAML_SCALAR_EVENT:
                next.kind = .scalar
                next.anchor = Self.string(event.data.scalar.anchor)
                let bytes = UnsafeBufferPointer(
                    start: event.data.scalar.value, count: event.data.scalar.length)
                next.text = String(decoding: bytes, as: UTF8.self)
                next.content = Self.content(event, next.text)
            case YAML_SEQUENCE_START_EVENT:
                next.kind = .list
                next.anchor = Self.string(event.data.sequence_start.anchor)
            case YAML_MAPPING_START_EVENT:
                next.kind = .map
                next.anchor = Self.string(event.data.mapping_start.anchor)
            case YAML_ALIAS_EVENT:
                next.kind = .alias
                next.anchor = Self.string(event.data.alias.anchor)
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: next.kind = .close
            case YAML_DOCUMENT_START_EVENT: next.kind = .document
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT: next.kind = .end
            default: break
            }
            return next
        }

        /// What YAML's rules make of the scalar; quoted ones are always strings.
        private static func content(
            _ event: yaml_event_t, _ text: String
        ) -> ManifestValue.Content {
            let scalar = event.data.scalar
            if scalar.quoted_implicit == 1, scalar.plain_implicit == 0 { return .string(text) }
            let node: Yams.Node
            if scalar.plain_implicit == 1 {
                guard scalar.style == YAML_PLAIN_SCALAR_STYLE else { return .string(text) }
                if let plain = PlainScalar.content(of: text) { return plain }
                node = Yams.Node(text)
            } else {
                let tag = string(scalar.tag).map { Tag(Tag.Name(rawValue: $0)) }
                node = Yams.Node(text, tag ?? Tag(.implicit))
            }
            guard case .scalar(let written) = node else { return .string(text) }
            switch node.tag.description {
            case Tag.Name.null.rawValue: return .null
            case Tag.Name.bool.rawValue:
                return Bool.construct(from: written).map { .bool($0) } ?? .string(text)
            case Tag.Name.int.rawValue:
                return Int.construct(from: written).map { .int($0) } ?? .string(text)
            case Tag.Name.float.rawValue:
                return Double.construct(from: written).map { .double($0) } ?? .string(text)
            default: return .string(text)
            }
        }

        private static func string(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            bytes.map { String(cString: $0) }
        }

        private func fault() -> ManifestError {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "cannot be read"
            switch parser.pointee.error {
            case YAML_MEMORY_ERROR:
                return ManifestError(file: file, message: "not enough memory to read it")
            case YAML_READER_ERROR:
                return ManifestError(
                    file: file,
                    message: "not YAML: \(problem) at byte \(parser.pointee.problem_offset)")
            default:
                let mark = parser.pointee.problem_mark
                return ManifestError(
                    file: file, line: mark.line + 1, column: mark.column + 1,
                    message: "not YAML: \(problem)")
            }
        }
    }
}
