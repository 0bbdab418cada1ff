import Glibc

extension JobLog {
    /// How often the appends of other processes are looked for, in microseconds.
    static let pollMicroseconds: Int64 = 2000

    /// Waits for an event after `position`, for `wake()`, or for the time to pass.
    ///
    /// Appends of this process wake at once; those of others are found by `pragma data_version`,
    /// which costs a few microseconds. Returns whether there is an event after `position`.
    public func waitForNews(
        after position: Int64, timeoutMicroseconds: Int64
    ) throws(JobLogError) -> Bool {
        var seen = news.told
        var version: Int64?
        let start = Self.monotonic()
        while true {
            let current = try reading { try $0.number("pragma data_version") }
            if current != version || news.told != seen {
                seen = news.told
                version = current
                if try lastPosition() > position { return true }
            }
            let left = timeoutMicroseconds - (Self.monotonic() - start)
            if left <= 0 { return false }
            news.wait(beyond: seen, microseconds: min(left, Self.pollMicroseconds))
            if news.isWoken() { return try lastPosition() > position }
        }
    }

    /// Ends the wait of a thread in `waitForNews`.
    public func wake() { news.wakeUp() }

    /// Microseconds of a clock that nobody sets.
    static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
