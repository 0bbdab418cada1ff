import Glibc

/// Something that happens once, and that threads may wait for.
///
/// `@unchecked Sendable` holds because the semaphore lives at a fixed address from init to
/// deinit, and POSIX semaphores may be used by any thread (sem_overview(7)).
final class Signal: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func raise() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0, errno == EINTR {} }
}
