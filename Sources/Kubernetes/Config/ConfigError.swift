/// Why a kubeconfig is of no use: where, what, and what to do, in one line.
public struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
