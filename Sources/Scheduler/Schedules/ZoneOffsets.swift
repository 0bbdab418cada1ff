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

/// Days and what they are called, in the Gregorian calendar that goes on both ways.
enum CivilDay {
    /// Days since 1970 of a date (the year begins in March within, so that leap days come last).
    static func number(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    static func date(_ number: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let place = (5 * dayOfYear + 2) / 153
        let month = place < 10 ? place + 3 : place - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * place + 2) / 5 + 1
        )
    }

    /// 0 for Sunday.
    static func weekday(_ number: Int64) -> Int64 { ((number + 4) % 7 + 7) % 7 }
}
