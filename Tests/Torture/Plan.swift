import Foundation

/// How much is to be done, decided by a seed.
struct Plan {
    var seed: UInt64
    var kills: Int
    var traces: Int
    var workers: Int
    let teller = Teller()

    func chance(for phase: UInt64) -> Chance { Chance(seed: seed &* 31 &+ phase) }

    func progress(_ count: Int, of all: Int, _ what: String) {
        teller.tell("\(count) of \(all) \(what)")
    }

    /// Says how far things are, now and then.
    final class Teller {
        private var nextAt = Wait.now() + Teller.interval
        private static let interval: Int64 = 10_000

        func tell(_ text: String) {
            guard Wait.now() >= nextAt else { return }
            nextAt = Wait.now() + Self.interval
            FileHandle.standardError.write(Data("  \(text)\n".utf8))
        }
    }
}
