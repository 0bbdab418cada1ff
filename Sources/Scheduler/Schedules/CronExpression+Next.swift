import Traceflow

extension CronExpression {
    /// The first slot after the moment, in a zone: a whole minute of its local time.
    ///
    /// Nil when none comes within the time that the zone's offsets are known for, or within thirty
    /// years: the 29th of February on a Monday comes every 28.
    public func next(after moment: Moment, in zone: ZoneOffsets) -> Moment? {
        var second = Self.floor(moment.microseconds, 60_000_000) * 60 + 60
        let limit = min(zone.knownUntil, second + Self.searchedSeconds)
        // Between two changes local time runs evenly.
        while second < limit {
            let (offset, end) = zone.offset(at: second)
            // Offsets of whole minutes keep a minute's beginning; others move it.
            let local = Self.ceil(second + offset, 60)
            let stop = min(end ?? limit, limit)
            guard let found = next(notBefore: local / 60, before: Self.ceil(stop + offset, 60) / 60)
            else {
                second = stop
                continue
            }
            return Moment(microseconds: (found * 60 - offset) * 1_000_000)
        }
        return nil
    }

    private static let searchedSeconds: Int64 = 30 * 366 * 86_400

    /// The first matching minute of local time, counted from 1970.
    private func next(notBefore first: Int64, before last: Int64) -> Int64? {
        var day = Self.floor(first, 1440)
        var from = first - day * 1440
        while day * 1440 < last {
            let (year, month, number) = CivilDay.date(day)
            if months & 1 << UInt64(month) == 0 {
                day = CivilDay.number(month == 12 ? year + 1 : year, month % 12 + 1, 1)
                from = 0
                continue
            }
            if matches(day: number, weekday: CivilDay.weekday(day)),
                let minute = minuteOfDay(from: from)
            {
                let found = day * 1440 + minute
                return found < last ? found : nil
            }
            day += 1
            from = 0
        }
        return nil
    }

    private func matches(day: Int64, weekday: Int64) -> Bool {
        let (byMonth, byWeek) = (
            days & 1 << UInt64(day) != 0, weekdays & 1 << UInt64(weekday) != 0
        )
        return needsBothDays ? byMonth && byWeek : byMonth || byWeek
    }

    private func minuteOfDay(from start: Int64) -> Int64? {
        var hour = start / 60
        var minute = start % 60
        while hour < 24 {
            if hours & 1 << UInt64(hour) != 0 {
                let left = minutes >> UInt64(minute)
                if left != 0 { return hour * 60 + minute + Int64(left.trailingZeroBitCount) }
            }
            hour += 1
            minute = 0
        }
        return nil
    }

    private static func floor(_ number: Int64, _ unit: Int64) -> Int64 {
        number >= 0 ? number / unit : (number - unit + 1) / unit
    }

    private static func ceil(_ number: Int64, _ unit: Int64) -> Int64 {
        floor(number + unit - 1, unit) * unit
    }
}
