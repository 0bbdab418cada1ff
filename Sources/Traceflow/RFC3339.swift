/// Moments as Kubernetes prints them (RFC 3339, whole seconds, UTC).
public enum RFC3339 {
    public static func text(_ moment: Moment, fraction: Bool = false) -> String {
        let seconds = moment.seconds
        let days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0)
        let rest = seconds - days * 86400
        let (year, month, day) = CivilDay.date(days)
        var text = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
        text += "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
        if fraction { text += ".\(pad(moment.microseconds - seconds * 1_000_000, 6))" }
        return text + "Z"
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

extension Moment {
    /// The moment as RFC 3339 has it, with a fraction where there is one.
    public var text: String {
        RFC3339.text(self, fraction: microseconds % 1_000_000 != 0)
    }
}
