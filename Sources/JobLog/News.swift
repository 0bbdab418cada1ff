import Glibc
import Synchronization

/// Tells the threads of this process that something was appended.
///
///     nobody waits ──first waits──▶ one watches, others wait ──it leaves──▶ another watches
///
/// The one that watches also hears of other processes.
///
/// `@unchecked Sendable` holds because the variables are touched under the mutex alone, and both
/// pthread objects live at fixed addresses from init to deinit.
final class News: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var count: UInt64 = 0
    private var isWatched = false
    /// What the thread that watches waits for, where the folder can be watched.
    private var folderWatch: FolderWatch?

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
        if isWatched { folderWatch?.poke() }
        pthread_mutex_unlock(mutex)
    }

    var told: UInt64 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return count
    }

    /// Makes the caller the one thread that looks at what other processes append; false when
    /// there is one already.
    func watch(_ folder: String) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isWatched else { return false }
        isWatched = true
        if folderWatch == nil { folderWatch = FolderWatch(folder) }
        return true
    }

    /// For the thread that watches; nil where the folder cannot be watched.
    var watched: FolderWatch? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return folderWatch
    }

    /// The watcher leaves; another that waits takes its place.
    func unwatch() {
        pthread_mutex_lock(mutex)
        isWatched = false
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Waits until told more than `seen` times, nobody watches any more (for those that are not
    /// watching themselves), or the time is over.
    func wait(beyond seen: UInt64, isWatching: Bool, microseconds: Int64) {
        var until = timespec()
        clock_gettime(CLOCK_MONOTONIC, &until)
        let nanoseconds = Int64(until.tv_nsec) + (microseconds % 1_000_000) * 1000
        until.tv_sec += Int(microseconds / 1_000_000 + nanoseconds / 1_000_000_000)
        until.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_mutex_lock(mutex)
        while count == seen, isWatching || isWatched,
            pthread_cond_timedwait(condition, mutex, &until) == 0
        {}
        pthread_mutex_unlock(mutex)
    }
}

/// Ends the wait of one thread, also a wait that is yet to begin.
public final class Waker: Sendable {
    private let isAwake = Atomic(false)

    public init() {}

    func wake() { isAwake.store(true, ordering: .releasing) }

    /// Whether it was woken since this was last asked.
    func take() -> Bool { isAwake.exchange(false, ordering: .acquiringAndReleasing) }
}
