/// A trace's place in the log: the number of its stream.
public struct TraceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static func < (a: TraceID, b: TraceID) -> Bool { a.rawValue < b.rawValue }

    public var description: String { String(rawValue) }
}
