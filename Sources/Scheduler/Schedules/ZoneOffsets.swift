import Traceflow

/// How far a place's clocks are from UTC, from when on: what a time zone's rules come to.
///
/// Who knows the rules makes it; here is only reckoned with it.
public struct ZoneOffsets: Hashable, Sendable {
    public struct Change: Hashable, Sendable {
        /// Seconds since 1970.
        public var at: Int64
        /// Seconds to add to UTC from then on.
        public var offset: Int64

        public init(at: Int64, offset: Int64) {
            self.at = at
            self.offset = offset
        }
    }

    public let name: String
    /// In the order of time; the first holds from the beginning of time.
    public let changes: [Change]
    /// Up to when the changes are known, in seconds since 1970.
    public let knownUntil: Int64

    public init(name: String, changes: [Change], knownUntil: Int64) {
        self.name = name
        self.changes = changes
        self.knownUntil = knownUntil
    }

    public static let utc = ZoneOffsets(name: "UTC", changes: [], knownUntil: .max)

    /// The offset at the moment, and when it ends; nil when nothing is known of an end.
    func offset(at second: Int64) -> (offset: Int64, end: Int64?) {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= second { low = middle + 1 } else { high = middle }
        }
        let end = low < changes.count ? changes[low].at : nil
        return (low > 0 ? changes[low - 1].offset : changes.first?.offset ?? 0, end)
    }
}
