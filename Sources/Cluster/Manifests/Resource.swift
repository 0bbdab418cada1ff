/// One Kubernetes object as a manifest holds it.
public struct Resource: Sendable {
    public var apiVersion: String
    public var kind: String
    public var namespace: String?
    public var name: String
    public var file: String
    public var line: Int
    public var value: ManifestValue

    /// The object as one line of JSON, which `ManifestReader` reads again; content digests are
    /// made of it.
    public var canonicalJSON: String { value.canonicalJSON }

    init(_ value: ManifestValue, file: String) throws(ManifestError) {
        let root = Field(value, path: "", file: file)
        apiVersion = try root["apiVersion"].required().string()
        kind = try root["kind"].required().string()
        let metadata = root["metadata"]
        name = try metadata["name"].optional()?.string() ?? ""
        namespace = try metadata["namespace"].optional()?.string()
        self.file = file
        line = value.line
        self.value = value
    }

    var root: Field { Field(value, path: "", file: file) }
}
