import Foundation
import Yams

/// Reads what `kubectl get … -o yaml` prints: YAML or JSON, several documents, Lists, comments.
public enum ManifestReader {
    /// Bounds on one input; what is larger is refused.
    public static let bytesMax = 256 << 20
    static let depthMax = 200

    /// The objects of a text, in its order; Lists are taken apart, empty documents left out.
    public static func read(text: String, file: String) throws(ManifestError) -> [Resource] {
        var resources: [Resource] = []
        for document in try documents(text, file) {
            if document.isNull { continue }
            try collect(document, file, &resources)
        }
        return resources
    }

    /// The documents of a text that need be no objects.
    static func values(text: String, file: String) throws(ManifestError) -> [ManifestValue] {
        try documents(text, file)
    }

    /// The objects of a file, of a folder's *.yaml, *.yml and *.json, or of standard input (`-`).
    public static func read(
        path: String, standardInput: () -> String
    ) throws(ManifestError) -> [Resource] {
        if path == "-" { return try read(text: standardInput(), file: "standard input") }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw ManifestError(file: path, message: "no such file or folder")
        }
        guard isFolder.boolValue else { return try read(text: try text(of: path), file: path) }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw ManifestError(file: path, message: "the folder cannot be read")
        }
        var resources: [Resource] = []
        for name in names where ["yaml", "yml", "json"].contains((name as NSString).pathExtension) {
            let file = path + "/" + name
            resources += try read(text: try text(of: file), file: file)
        }
        return resources
    }

    private static func text(of path: String) throws(ManifestError) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ManifestError(file: path, message: "the file cannot be read")
        }
        guard data.count <= bytesMax else {
            throw ManifestError(
                file: path, message: "the file is larger than \(bytesMax >> 20) MiB")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ManifestError(file: path, message: "the file is not UTF-8 text")
        }
        return text
    }

    private static func collect(
        _ value: ManifestValue, _ file: String, _ resources: inout [Resource]
    ) throws(ManifestError) {
        let root = Field(value, path: "", file: file)
        guard case .map = value.content else {
            throw root.error("a Kubernetes object is expected, and this is \(value.kind)")
        }
        let kind = try root["kind"].optional()?.string() ?? ""
        if kind.hasSuffix("List"), let items = root["items"].optional() {
            // Items of a typed list (PodList) may leave out what the list says.
            let apiVersion = try root["apiVersion"].optional()?.string() ?? ""
            for item in try items.list() {
                guard var value = item.value else { continue }
                if kind != "List", item["kind"].optional() == nil {
                    value.add("kind", String(kind.dropLast("List".count)))
                    value.add("apiVersion", apiVersion)
                }
                try collect(value, file, &resources)
            }
            return
        }
        let resource = try Resource(value, file: file)
        if resource.name.isEmpty { throw root["metadata"]["name"].error("required, and missing") }
        resources.append(resource)
    }

    private static func documents(
        _ text: String, _ file: String
    ) throws(ManifestError) -> [ManifestValue] {
        do {
            var context = Context(text, file)
            // Without tags nobody need ask what each scalar is but us.
            let parser = try Parser(yaml: text, resolver: context.hasTags ? .default : .basic)
            var documents: [ManifestValue] = []
            while let node = try parser.nextRoot() {
                documents.append(try convert(node, depth: 0, &context))
            }
            return documents
        } catch let error as ManifestError {
            throw error
        } catch let error as YamlError {
            throw fault(error, file)
        } catch {
            throw ManifestError(file: file, message: "\(error)")
        }
    }

    private static func fault(_ error: YamlError, _ file: String) -> ManifestError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ManifestError(
                file: file, line: mark.line, column: mark.column, message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return ManifestError(
                file: file, line: context.mark.line, column: context.mark.column,
                message: "the key \(duplicates.first ?? "") occurs twice")
        case .reader(let problem, let offset, _, _):
            return ManifestError(
                file: file, message: "not YAML: \(problem) at byte \(offset ?? 0)")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return ManifestError(file: file, message: "not YAML: \(error)")
        }
    }

    /// What converting one text needs to know and to keep.
    private struct Context {
        let file: String
        /// Whether tags are written anywhere, as `!!str`.
        let hasTags: Bool
        /// A value takes a byte at least; more values than bytes come of aliases alone.
        var left: Int

        init(_ text: String, _ file: String) {
            self.file = file
            hasTags = Self.hasTags(text)
            left = text.utf8.count + 1000
        }

        /// A tag stands at the start of a value: behind a blank, or what opens or parts values.
        private static func hasTags(_ text: String) -> Bool {
            var previous = UInt8(ascii: "\n")
            for byte in text.utf8 {
                if byte == UInt8(ascii: "!"), " \t\n\r[{,:".utf8.contains(previous) { return true }
                previous = byte
            }
            return false
        }
    }

    private static func convert(
        _ node: Node, depth: Int, _ context: inout Context
    ) throws -> ManifestValue {
        let line = node.mark?.line ?? 0
        let column = node.mark?.column ?? 0
        context.left -= 1
        guard context.left > 0, depth < depthMax else {
            throw ManifestError(
                file: context.file, line: line, column: column, message: "too deep or too large")
        }
        switch node {
        case .scalar(let scalar):
            return ManifestValue(content(of: scalar, node, context), line: line, column: column)
        case .sequence(let sequence):
            var values: [ManifestValue] = []
            for element in sequence {
                values.append(try convert(element, depth: depth + 1, &context))
            }
            return ManifestValue(.list(values), line: line, column: column)
        case .mapping(let mapping):
            var entries: [(key: String, value: ManifestValue)] = []
            for (key, element) in mapping {
                guard let name = key.scalar?.string else {
                    throw ManifestError(
                        file: context.file, line: line, column: column,
                        message: "a key must be a string")
                }
                entries.append((name, try convert(element, depth: depth + 1, &context)))
            }
            return ManifestValue(.map(entries), line: line, column: column)
        case .alias:
            throw ManifestError(
                file: context.file, line: line, column: column, message: "a dangling alias")
        }
    }

    private static func content(
        of scalar: Node.Scalar, _ node: Node, _ context: Context
    ) -> ManifestValue.Content {
        // The tag that YAML's rules give the scalar; quoted ones are always strings.
        // The rules are regular expressions and slow; most scalars need none of them.
        var tag = node.tag
        if !context.hasTags {
            guard scalar.style == .plain else { return .string(scalar.string) }
            if let plain = PlainScalar.content(of: scalar.string) { return plain }
            tag = Node(scalar.string).tag
        }
        switch tag.description {
        case Tag.Name.null.rawValue: return .null
        case Tag.Name.bool.rawValue:
            return Bool.construct(from: scalar).map { .bool($0) } ?? .string(scalar.string)
        case Tag.Name.int.rawValue:
            return Int.construct(from: scalar).map { .int($0) } ?? .string(scalar.string)
        case Tag.Name.float.rawValue:
            return Double.construct(from: scalar).map { .double($0) } ?? .string(scalar.string)
        default: return .string(scalar.string)
        }
    }
}
