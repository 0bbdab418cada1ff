import JobLog
import Testing

/// The log's time when the clock is behind what was recorded already.
struct TimeTests {
    let sandbox: Sandbox
    /// The time of the day, and one that nobody sets.
    let clock = ManualClock()
    let monotonic = ManualClock()

    init() throws {
        sandbox = try Sandbox()
        clock.now = 10_000_000_000
    }

    private func open() throws -> JobLog {
        var options = options(clock)
        options.monotonic = { [monotonic] in monotonic.now }
        return try JobLog.open(sandbox.log, access: .create, options: options)
    }

    @Test func aClockThatWasSetBackDoesNotStopTheTime() throws {
        try open().append(beginning())
        clock.now -= 3_600_000_000
        let log = try open()
        try log.append(beginning())
        #expect(log.now() == 10_000_000_000)
        monotonic.now += 20_000_000
        clock.now += 20_000_000
        #expect(log.now() == 10_010_000_000, "half the pace")
        #expect(try log.append(beginning()).recordedAt == 10_010_000_000)
    }

    @Test func timeFollowsTheClockOnceThatHasPassed() throws {
        try open().append(beginning())
        clock.now -= 10_000_000
        let log = try open()
        try log.append(beginning())
        monotonic.now += 30_000_000
        clock.now += 30_000_000
        #expect(log.now() == 10_020_000_000)
        clock.now += 5
        #expect(log.now() == 10_020_000_005)
    }

    @Test func aLeaseOfSomebodyAheadRunsOut() throws {
        let ahead = try open()
        try ahead.append(beginning())
        let lease = try #require(
            try ahead.acquireLease(role: "r", holder: "a", durationMicroseconds: 10_000_000))
        // Renewals are not events.
        clock.now += 3_600_000_000
        _ = try ahead.renewLease(lease, durationMicroseconds: 10_000_000)
        clock.now -= 2 * 3_600_000_000
        let log = try open()
        #expect(try log.leases(rolePrefix: "r").count == 1)
        monotonic.now += 21_000_000
        clock.now += 21_000_000
        #expect(try log.leases(rolePrefix: "r").isEmpty)
        #expect(
            try log.acquireLease(role: "r", holder: "b", durationMicroseconds: 10_000_000) != nil)
    }
}
