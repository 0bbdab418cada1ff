/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
///
/// Moments are handed in, never read here: only `Clock.swift` asks the system for the time.
public struct Moment: Hashable, Comparable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Whole seconds since 1970, rounded down: what Antrea's `timestamp` holds.
    public var seconds: Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The moment `seconds` later; saturates instead of overflowing.
    public func advanced(bySeconds seconds: Int) -> Moment {
        advanced(byMicroseconds: Int64(seconds).multipliedReportingOverflow(by: 1_000_000).0)
    }

    /// The moment `delta` microseconds later; saturates instead of overflowing.
    public func advanced(byMicroseconds delta: Int64) -> Moment {
        let (sum, overflow) = microseconds.addingReportingOverflow(delta)
        return Moment(microseconds: overflow ? (delta < 0 ? .min : .max) : sum)
    }

    public static func < (a: Moment, b: Moment) -> Bool { a.microseconds < b.microseconds }
}
