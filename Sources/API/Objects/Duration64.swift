/// A length of time: `20s`, `5m`, `1h30m`, `500ms`; a bare number means seconds.
package struct Duration64: Hashable, Sendable {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package init?(argument: String) {
        var total: Int64 = 0
        var number = ""
        var unit = ""
        func add() -> Bool {
            guard let value = Double(number), value >= 0, value < 1e9 else { return false }
            let factors: [String: Double] = [
                "": 1, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400,
            ]
            // More than three thousand years are no length of time, and too large a number.
            guard let factor = factors[unit], value * factor < 1e11 else { return false }
            let (sum, isTooLong) = total.addingReportingOverflow(
                Int64(value * factor * 1_000_000))
            guard !isTooLong else { return false }
            total = sum
            (number, unit) = ("", "")
            return true
        }
        for character in argument {
            if character.isNumber || character == "." {
                if !unit.isEmpty, !add() { return nil }
                number.append(character)
            } else {
                unit.append(character)
            }
        }
        guard !number.isEmpty, add() else { return nil }
        microseconds = total
    }
}
