import Dispatch
import Synchronization

/// Notices when a run stands still: one that waits for itself says nothing of it.
public final class Watchdog {
    private let timer: any DispatchSourceTimer

    /// `bark` is told once the run did nothing for so long, from a thread of its own.
    public init(_ progress: Progress, seconds: Double, bark: @escaping @Sendable (String) -> Void) {
        let sight = Sight(progress)
        timer = DispatchSource.makeTimerSource(queue: .global(qos: .userInteractive))
        let span = DispatchTimeInterval.microseconds(
            max(1, Int(seconds * 1_000_000) / Sight.looksMax))
        timer.schedule(deadline: .now() + span, repeating: span)
        timer.setEventHandler {
            if sight.isStill() { bark("it stands still: for \(seconds) s it did nothing") }
        }
        timer.resume()
    }

    deinit { timer.cancel() }
}

/// What the watchdog saw last.
private final class Sight: Sendable {
    private struct Place: Equatable {
        var seed: UInt64 = 0
        var step = 0
        var operations = 0
    }

    /// A program that was stopped looks once when it goes on, and is not hung.
    static let looksMax = 20

    private let progress: Progress
    private let seen = Mutex((place: Place(), looks: 0))

    init(_ progress: Progress) { self.progress = progress }

    /// Looks; true at the one look that was once too often.
    func isStill() -> Bool {
        let place = Place(
            seed: progress.seed, step: progress.step, operations: progress.operations)
        return seen.withLock { seen in
            seen = (place, place == seen.place && place.seed != 0 ? seen.looks + 1 : 0)
            return seen.looks == Self.looksMax
        }
    }
}
