import Foundation
import Traceflow

/// A moment: RFC 3339, or `-2h` for two hours ago.
package struct MomentArgument: Hashable, Sendable {
    private enum Given: Hashable, Sendable {
        case absolute(Int64)
        case ago(Int64)
    }

    private var given: Given

    package init?(argument: String) {
        if argument.hasPrefix("-") {
            guard let length = Duration64(argument: String(argument.dropFirst())) else {
                return nil
            }
            given = .ago(length.microseconds)
            return
        }
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime]
        var date = formatter.date(from: argument)
        if date == nil {
            formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
            date = formatter.date(from: argument)
        }
        guard let date else { return nil }
        given = .absolute(Int64(date.timeIntervalSince1970 * 1_000_000))
    }

    package func moment(now: Moment) -> Moment {
        switch given {
        case .absolute(let microseconds): Moment(microseconds: microseconds)
        case .ago(let microseconds): now.advanced(byMicroseconds: -microseconds)
        }
    }
}
