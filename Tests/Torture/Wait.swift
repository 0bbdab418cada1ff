import Glibc
import Synchronization

/// Real time, which passes here by design; every wait has a bound and says what it waited for.
enum Wait {
    /// Milliseconds of a clock that nobody sets.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    static func pause(milliseconds: Int) {
        usleep(UInt32(max(0, milliseconds)) * 1000)
    }

    static func until(
        _ what: String, seconds: Int, every milliseconds: Int = 2, _ isMet: () throws -> Bool
    ) throws {
        let end = now() + Int64(seconds) * 1000
        while try !isMet() {
            if wasInterrupted.load(ordering: .relaxed) { throw Interruption() }
            if now() > end { throw Violation("not within \(seconds) s: \(what)") }
            pause(milliseconds: milliseconds)
        }
    }

    /// Told to stop: no violation, but the processes we started must not outlive us.
    struct Interruption: Error {}

    static let wasInterrupted = Atomic(false)

    static func watchForInterrupts() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in Wait.wasInterrupted.store(true, ordering: .relaxed) }
        }
    }
}
