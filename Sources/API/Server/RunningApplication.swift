import Dispatch
import Glibc
import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization
import Worker

/// An application that serves on SwiftNIO's shared event loops, for threads that wait.
///
/// Those loops live as long as the process: what a connection leaves behind may come to a loop
/// after its application has ended, which one that was shut down would refuse.
struct RunningApplication: Sendable {
    /// What it was bound to, with the port that the system chose.
    let address: ServerAddress
    private let task: Task<Void, Never>
    private let progress: Progress

    private static let stopSeconds = 3

    /// What becomes of it; what was said first counts.
    private final class Progress: Sendable {
        let began = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        private let outcome = Mutex<Result<Int, any Error>?>(nil)

        var bound: Result<Int, any Error>? { outcome.withLock { $0 } }

        func begin(_ result: Result<Int, any Error>) {
            outcome.withLock { $0 = $0 ?? result }
            began.signal()
        }
    }

    /// Serves what `make` gives, which tells of the port it is bound to.
    ///
    /// Blocks until it serves: not to be called on a thread of Swift concurrency. Throws
    /// `WorkerError` when the address cannot be had, with the flag that asked for it.
    init(
        at wanted: ServerAddress, of flag: String,
        make: (_ onBound: @escaping @Sendable (Int?) -> Void) throws -> some ApplicationProtocol
    ) throws {
        let progress = Progress()
        let application = try make { port in progress.begin(.success(port ?? wanted.port)) }
        task = Task.detached {
            do {
                try await application.run()
                progress.begin(.failure(CancellationError()))
            } catch {
                progress.begin(.failure(Self.failure(error, at: wanted, flag)))
            }
            progress.ended.signal()
        }
        progress.began.wait()
        address = wanted.with(port: try progress.bound?.get() ?? wanted.port)
        self.progress = progress
    }

    private static func failure(
        _ error: any Error, at address: ServerAddress, _ flag: String
    ) -> WorkerError {
        if let error = error as? IOError, error.errnoCode == EADDRINUSE {
            return WorkerError("\(address): the port is in use; choose another for \(flag), or 0")
        }
        return WorkerError("\(address): nothing can be served there (\(flag)): \(error)")
    }

    /// Closes all connections. Blocks a little.
    func stop() {
        task.cancel()
        _ = progress.ended.wait(timeout: .now() + .seconds(Self.stopSeconds))
    }
}
