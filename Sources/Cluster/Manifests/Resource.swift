import Traceflow

/// One Kubernetes object as a manifest holds it.
public struct Resource: Sendable {
    public var apiVersion: String
    public var kind: String
    public var namespace: String?
    public var name: String
    public var file: String
    public var line: Int
    public var value: ManifestValue
    /// Who changed it last, where a live cluster tells.
    public var change: Change?

    /// As the API server has noted it (`metadata.managedFields`).
    public struct Change: Hashable, Sendable {
        public var manager: String
        public var at: Moment

        public init(manager: String, at: Moment) {
            self.manager = manager
            self.at = at
        }
    }

    /// The object as one line of JSON, which `ManifestReader` reads again; content digests are
    /// made of it.
    public var canonicalJSON: String { value.canonicalJSON }

    /// Throws where the value is no object of Kubernetes; `file` says where it is from.
    public init(_ value: ManifestValue, file: String) throws(ManifestError) {
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
