import Dispatch
import Synchronization

/// What becomes of a server, told to a thread that waits.
final class ServerProgress: Sendable {
    let began = DispatchSemaphore(value: 0)
    let ended = DispatchSemaphore(value: 0)
    private let outcome = Mutex<Result<Int, any Error>?>(nil)

    /// The port, or why there is none; nil before either is known.
    var bound: Result<Int, any Error>? { outcome.withLock { $0 } }

    /// Tells who waits; what was said first counts.
    func begin(_ result: Result<Int, any Error>) {
        outcome.withLock { $0 = $0 ?? result }
        began.signal()
    }
}
