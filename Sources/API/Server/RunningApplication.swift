import Dispatch
import Glibc
import Hummingbird
import HummingbirdCore
import NIOCore
import NIOPosix
import Synchronization
import Worker

/// An application that serves on an event loop group of its own, for threads that wait.
struct RunningApplication: Sendable {
    /// What it was bound to, with the port that the system chose.
    let address: ServerAddress
    private let group: MultiThreadedEventLoopGroup
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
        at wanted: ServerAddress, of flag: String, threads: Int,
        make: (MultiThreadedEventLoopGroup, _ onBound: @escaping @Sendable (Int?) -> Void) throws ->
            some ApplicationProtocol
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let progress = Progress()
        do {
            let application = try make(group) { port in
                progress.begin(.success(port ?? wanted.port))
            }
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
        } catch {
            try? group.syncShutdownGracefully()
            throw error
        }
        (self.group, self.progress) = (group, progress)
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
        try? group.syncShutdownGracefully()
    }
}
