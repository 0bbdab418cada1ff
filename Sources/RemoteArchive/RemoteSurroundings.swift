import Foundation

/// What a store needs of the machine around it.
public struct RemoteSurroundings: Sendable {
    public var environment: [String: String]
    /// The time of day, for credentials that expire.
    public var unixMilliseconds: @Sendable () -> Int64
    /// Of a clock that nobody sets.
    public var monotonicMilliseconds: @Sendable () -> Int64
    /// Waits so many milliseconds, or less once what it is given says so.
    public var pause: @Sendable (Int64, () -> Bool) -> Void
    public var random: @Sendable (ClosedRange<Int64>) -> Int64

    public init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        unixMilliseconds: @escaping @Sendable () -> Int64,
        monotonicMilliseconds: @escaping @Sendable () -> Int64 = Self.monotonic,
        pause: @escaping @Sendable (Int64, () -> Bool) -> Void = Self.sleep,
        random: @escaping @Sendable (ClosedRange<Int64>) -> Int64 = { Int64.random(in: $0) }
    ) {
        self.environment = environment
        self.unixMilliseconds = unixMilliseconds
        self.monotonicMilliseconds = monotonicMilliseconds
        self.pause = pause
        self.random = random
    }

    private static let start = ContinuousClock.now

    public static func monotonic() -> Int64 {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    public static func sleep(_ milliseconds: Int64, _ isOver: () -> Bool) {
        let end = monotonic() + milliseconds
        while !isOver() {
            let left = end - monotonic()
            guard left > 0 else { return }
            Thread.sleep(forTimeInterval: Double(min(left, 200)) / 1000)
        }
    }

    /// A variable that is set to something.
    func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
