import Dispatch

/// For Swift concurrency: SQLite blocks, so these calls leave the cooperative pool's threads.
extension JobLog {
    private static let queue = DispatchQueue(
        label: "tracectl.joblog", qos: .userInitiated, attributes: .concurrent)

    /// Like `append`, suspending instead of blocking.
    public func appended(_ request: AppendRequest) async throws(JobLogError) -> Appended {
        let answer = await withCheckedContinuation { continuation in
            append(request) { continuation.resume(returning: $0) }
        }
        return try answer.get()
    }

    /// Like `read(after:limit:)`, suspending instead of blocking.
    public func events(after position: Int64, limit: Int) async throws -> [RecordedEvent] {
        try await Self.detached { try self.read(after: position, limit: limit) }
    }

    private static func detached<T: Sendable>(
        _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
