import Foundation
import Scheduler
import Synchronization
import Traceflow

/// The offsets of time zones, from Foundation's rules (IANA's database).
///
/// Changes are found by looking at the offset every few hours and halving where it differs, so that
/// changes of any kind count, not only those of daylight saving.
public final class TimeZones: Sendable {
    private let known = Mutex<[String: ZoneOffsets?]>([:])

    public static let shared = TimeZones()

    public init() {}

    /// How far ahead changes are looked up, in years, and behind.
    private static let yearsAhead: Int64 = 12
    private static let yearsBehind: Int64 = 1
    private static let yearSeconds: Int64 = 31_556_952
    private static let stepSeconds: Int64 = 6 * 3600

    /// The zone's offsets around the moment; nil when there is no zone of the name.
    public func offsets(_ name: String, around moment: Moment) -> ZoneOffsets? {
        let second = moment.microseconds / 1_000_000
        if let known = known.withLock({ $0[name] }) {
            guard let offsets = known else { return nil }
            // Renewed well before what is known ends.
            if offsets.knownUntil - second > Self.yearSeconds { return offsets }
        }
        let made = Self.offsets(
            name, from: second - Self.yearsBehind * Self.yearSeconds,
            until: second + Self.yearsAhead * Self.yearSeconds)
        known.withLock { $0[name] = .some(made) }
        return made
    }

    private static func offsets(_ name: String, from: Int64, until: Int64) -> ZoneOffsets? {
        if name == ZoneOffsets.utc.name { return .utc }
        guard !name.isEmpty, let zone = TimeZone(identifier: name) else { return nil }
        func offset(_ second: Int64) -> Int64 {
            Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))))
        }
        var changes = [ZoneOffsets.Change(at: from, offset: offset(from))]
        var at = from
        while at < until {
            let next = at + stepSeconds
            let after = offset(next)
            if after != changes[changes.count - 1].offset {
                var (low, high) = (at, next)
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if offset(middle) == after { high = middle } else { low = middle }
                }
                changes.append(.init(at: high, offset: after))
            }
            at = next
        }
        return ZoneOffsets(name: name, changes: changes, knownUntil: until)
    }
}
