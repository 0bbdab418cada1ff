import Foundation

/// Reads what `kubectl get … -o yaml` prints: YAML or JSON, several documents, Lists, comments.
public enum ManifestReader {
    /// Bounds on one input; what is larger is refused.
    public static let bytesMax = 256 << 20
    static let depthMax = 200

    /// The objects of a text, in its order; Lists are taken apart, empty documents left out.
    public static func read(text: String, file: String) throws(ManifestError) -> [Resource] {
        var resources: [Resource] = []
        for document in try YAMLDocuments.read(text, file: file) {
            if document.isNull { continue }
            try collect(document, file, &resources)
        }
        return resources
    }

    /// The documents of a text that need be no objects.
    package static func values(
        text: String, file: String
    ) throws(ManifestError) -> [ManifestValue] {
        try YAMLDocuments.read(text, file: file)
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
}
