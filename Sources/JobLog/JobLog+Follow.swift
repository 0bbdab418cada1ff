import Glibc

extension JobLog {
    /// How often the appends of other processes are looked for, in microseconds.
    static let pollMicroseconds: Int64 = 2000

    /// Waits for an event after `position`, for the waker, or for the time to pass.
    ///
    /// Appends of this process wake at once; those of others are found by `pragma data_version`,
    /// which costs a few microseconds and which one waiting thread asks for all. Returns whether
    /// there is an event after `position`.
    public func waitForNews(
        after position: Int64, timeoutMicroseconds: Int64, waker: Waker? = nil
    ) throws(JobLogError) -> Bool {
        let start = Self.monotonic()
        var isWatching = false
        defer { if isWatching { news.unwatch() } }
        var seen = news.told
        while true {
            if try lastPosition() > position { return true }
            if waker?.take() == true { return false }
            let version = try dataVersion()
            var isNew = false
            while !isNew {
                let left = timeoutMicroseconds - (Self.monotonic() - start)
                if left <= 0 { return false }
                if !isWatching { isWatching = news.watch() }
                let span = isWatching ? min(left, Self.pollMicroseconds) : left
                news.wait(beyond: seen, isWatching: isWatching, microseconds: span)
                let told = news.told
                isNew = told != seen
                seen = told
                if waker?.take() == true { return try lastPosition() > position }
                if isWatching, !isNew, try dataVersion() != version {
                    isNew = true
                    news.tell()
                    seen = news.told
                }
            }
        }
    }

    /// Ends the wait of the thread that waits with the waker, or its next one.
    public func wake(_ waker: Waker) {
        waker.wake()
        news.tell()
    }

    private func dataVersion() throws(JobLogError) -> Int64? {
        try reading { try $0.number("pragma data_version") }
    }

    /// Microseconds of a clock that nobody sets.
    static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
