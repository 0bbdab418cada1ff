import Dispatch
import Foundation

/// A thread that can be waited for.
struct Crew {
    private let isOver = Signal()

    init(_ work: @escaping @Sendable () -> Void) {
        let isOver = isOver
        let thread = Thread {
            work()
            isOver.tell()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    func join() { isOver.wait() }
}

/// Tells one waiting thread that something is over.
struct Signal: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    func tell() { semaphore.signal() }
    func wait() { semaphore.wait() }
}
