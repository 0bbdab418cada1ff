import Glibc

extension JobLog {
    /// Waits for an event after `position`, for the waker, or for the time to pass.
    ///
    /// Appends of this process wake at once. One waiting thread looks for those of others, for
    /// all: it hears of writes to the folder, then asks `pragma data_version`. Returns whether
    /// there is an event after `position`.
    public func waitForNews(
        after position: Int64, timeoutMicroseconds: Int64, waker: Waker? = nil
    ) throws(JobLogError) -> Bool {
        let end = Self.monotonic() &+ min(timeoutMicroseconds, Self.longestMicroseconds)
        var watch = Watch()
        defer { if watch.isOn { news.unwatch() } }
        var seen = news.told
        while true {
            if try lastPosition() > position { return true }
            if waker?.take() == true { return false }
            let version = try dataVersion()
            var isNew = false
            while !isNew {
                let left = end - Self.monotonic()
                if left <= 0 { return false }
                if !watch.isOn { watch.isOn = news.watch(folder) }
                wait(&watch, beyond: seen, left)
                let told = news.told
                isNew = told != seen
                seen = told
                if waker?.take() == true { return try lastPosition() > position }
                if watch.isOn, !isNew, watch.mayAsk(Self.monotonic()), try dataVersion() != version
                {
                    isNew = true
                    news.tell()
                    seen = news.told
                }
            }
        }
    }

    private func wait(_ watch: inout Watch, beyond seen: UInt64, _ left: Int64) {
        let now = Self.monotonic()
        guard watch.isOn, let folder = news.watched else {
            let span = watch.isOn ? min(left, Watch.pollMicroseconds) : left
            news.wait(beyond: seen, isWatching: watch.isOn, microseconds: span)
            return
        }
        let span = (min(left, watch.span(now)) + 999) / 1000
        if folder.wait(milliseconds: span, isClose: watch.isClose(now)) {
            watch.heard(Self.monotonic())
        }
    }

    /// Ends the wait of the thread that waits with the waker, or its next one.
    public func wake(_ waker: Waker) {
        waker.wake()
        news.tell()
    }

    /// Differs from what it was when somebody has written, or the log went on in another segment.
    private func dataVersion() throws(JobLogError) -> DataVersion {
        try readingAll { reader in
            // A sealed file stays as it is; the next thing to happen is another one.
            if reader.isAtEnd { try reader.moveOn() }
            return DataVersion(
                segment: reader.newest.number,
                value: try reader.newest.connection.number("pragma data_version"))
        }
    }

    private struct DataVersion: Equatable {
        var segment: Int64
        var value: Int64?
    }

    private static let longestMicroseconds: Int64 = 3_600_000_000

    /// Microseconds of a clock that nobody sets.
    @Sendable static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

/// When a thread that watches looks at the database.
///
///     quiet ──a write is heard of──▶ close: looks often ──nothing more for a while──▶ quiet
///
/// Quiet it still looks now and then: not every file system tells of writes.
private struct Watch {
    var isOn = false
    private var closeUntil: Int64 = 0
    private var askAt: Int64 = 0

    /// Between two looks where the folder cannot be watched, in microseconds.
    static let pollMicroseconds: Int64 = 3000
    /// Between two looks while a commit is on its way.
    private static let closeMicroseconds: Int64 = 1000
    /// How long a commit may take after its last write.
    private static let commitMicroseconds: Int64 = 30_000
    private static let quietMicroseconds: Int64 = 50_000

    mutating func heard(_ now: Int64) { closeUntil = now + Self.commitMicroseconds }

    func isClose(_ now: Int64) -> Bool { now < closeUntil }

    func span(_ now: Int64) -> Int64 {
        now < closeUntil ? Self.closeMicroseconds : Self.quietMicroseconds
    }

    /// Always while polling or close; else as often as a quiet thread may.
    mutating func mayAsk(_ now: Int64) -> Bool {
        guard now < closeUntil || now >= askAt else { return false }
        askAt = now + Self.pollMicroseconds
        return true
    }
}
