import Synchronization

/// What a worker leaves to a thread beside its own two, until that has its turn.
final class Chores: Sendable {
    typealias Chore = @Sendable () -> Void

    private let waiting = Mutex<[Chore]>([])

    func put(_ chore: @escaping Chore) { waiting.withLock { $0.append(chore) } }

    func takeFirst() -> Chore? {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    var isEmpty: Bool { waiting.withLock { $0.isEmpty } }
}
