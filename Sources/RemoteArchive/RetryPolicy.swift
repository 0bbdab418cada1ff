/// When to try again. Only decides; `Retries` waits.
public struct RetryPolicy: Hashable, Sendable {
    public var attemptsMax = 6
    /// The most that is waited after the first attempt; doubled after each further one.
    public var firstMilliseconds: Int64 = 500
    public var waitMillisecondsMax: Int64 = 30_000
    /// From the first failure on.
    public var totalMillisecondsMax: Int64 = 300_000

    public init() {}

    public enum Decision: Hashable, Sendable {
        case wait(milliseconds: Int64)
        case giveUp
    }

    /// After an attempt, counted from 1, that failed so.
    ///
    /// Waits are drawn from nothing up to the most ("full jitter"), so that those who failed
    /// together do not come back together; what the server asks for is the least.
    public func decide(
        attempt: Int, _ error: RemoteError, elapsedMilliseconds: Int64,
        random: (ClosedRange<Int64>) -> Int64
    ) -> Decision {
        guard error.code.mayPass, attempt < attemptsMax else { return .giveUp }
        let doublings = min(attempt - 1, 30)
        let most = min(waitMillisecondsMax, firstMilliseconds << doublings)
        let wait = max(random(0...most), error.retryAfterMilliseconds ?? 0)
        guard elapsedMilliseconds + wait <= totalMillisecondsMax else { return .giveUp }
        return .wait(milliseconds: wait)
    }
}

extension RemoteError.Code {
    /// Whether the same attempt may succeed later without anybody doing anything.
    public var mayPass: Bool {
        switch self {
        case .throttled, .serverFailed, .unreachable, .interrupted, .truncated, .timedOut, .garbled:
            true
        case .refused, .noCredentials, .denied, .credentialsExpired, .noBucket, .wrongRegion,
            .untrustedServer, .clockSkewed, .absent, .outsideRange, .conflict, .occupied,
            .uploadGone,
            .localUnreadable, .localChanged, .diskFull, .cancelled, .malformedAnswer:
            false
        }
    }
}

/// Attempts until one succeeds or the policy gives up.
struct Retries {
    var policy: RetryPolicy
    var surroundings: RemoteSurroundings

    /// Throws what the last attempt threw, with how often it was tried.
    func run<Result>(_ watch: TransferWatch, _ attempt: () throws -> Result) throws -> Result {
        var firstFailure: Int64?
        var number = 1
        while true {
            if watch.isCancelled() { throw Self.cancelled }
            do {
                return try attempt()
            } catch let error as RemoteError {
                let now = surroundings.monotonicMilliseconds()
                let since = firstFailure ?? now
                firstFailure = since
                let decision = policy.decide(
                    attempt: number, error, elapsedMilliseconds: now - since,
                    random: surroundings.random)
                guard case .wait(let milliseconds) = decision else {
                    var last = error
                    if number > 1 { last.message += " (tried \(number) times)" }
                    throw last
                }
                surroundings.pause(milliseconds, watch.isCancelled)
                number += 1
            }
        }
    }

    static let cancelled = RemoteError(.cancelled, "the transfer was cancelled")
}
