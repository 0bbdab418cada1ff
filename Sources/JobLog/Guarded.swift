import Glibc

/// A value that one thread at a time may use.
///
/// `@unchecked Sendable` holds because `value` is private and `with` is the only way to it, under
/// the lock, and neither SQLite handle nor statement leaves the closure.
final class Guarded<Value>: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let value: Value

    init(_ value: Value) {
        self.value = value
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    func with<T, E: Error>(_ body: (Value) throws(E) -> T) throws(E) -> T {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(value)
    }
}
