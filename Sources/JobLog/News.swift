import Glibc

/// Tells the threads of this process that something was appended.
///
/// `@unchecked Sendable` holds because `count` and `woken` are touched under the mutex alone, and
/// both pthread objects live at fixed addresses from init to deinit.
final class News: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var count: UInt64 = 0
    private var woken = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func tell() {
        pthread_mutex_lock(mutex)
        count &+= 1
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Ends one wait although nothing was appended.
    func wakeUp() {
        pthread_mutex_lock(mutex)
        woken = true
        count &+= 1
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Whether `wakeUp` was called since the last time this was asked.
    func isWoken() -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { woken = false }
        return woken
    }

    var told: UInt64 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return count
    }

    /// Waits until told more than `seen` times, or the time is over.
    func wait(beyond seen: UInt64, microseconds: Int64) {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        let nanoseconds = Int64(until.tv_nsec) + (microseconds % 1_000_000) * 1000
        until.tv_sec += Int(microseconds / 1_000_000 + nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_mutex_lock(mutex)
        while count == seen, pthread_cond_timedwait(condition, mutex, &until) == 0 {}
        pthread_mutex_unlock(mutex)
    }
}
