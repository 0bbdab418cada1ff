/// What is wrong with a manifest, where, and what to do, in one line.
public struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1.
    public var line: Int?
    /// From 1.
    public var column: Int?
    /// The path of the field, as `spec.podCIDR`.
    public var field: String?
    public var message: String

    public init(
        file: String, line: Int? = nil, column: Int? = nil, field: String? = nil, message: String
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.field = field
        self.message = message
    }

    public var description: String {
        var place = file
        if let line { place += ":\(line)" }
        if line != nil, let column { place += ":\(column)" }
        if let field { place += ": \(field)" }
        return "\(place): \(message)"
    }
}

/// Something in a manifest that was left out or not understood, without harm.
public struct ManifestWarning: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var message: String

    public init(file: String, line: Int, message: String) {
        self.file = file
        self.line = line
        self.message = message
    }

    public var description: String { "\(file):\(line): \(message)" }
}
