/// What was asked and what was acknowledged: what the log must hold in the end.
struct Ledger {
    /// Requests of one `apply`: all of them are recorded, or none.
    struct Batch {
        var names: [String]
        var file: String
        var wasAcknowledged = false
    }

    /// What the printed line of a command promises, by the word it ends with.
    enum Promise: String, CaseIterable {
        case created, cancelled, retried, deleted

        /// The event that keeps it.
        var event: String {
            switch self {
            case .created: "TraceRequested"
            case .cancelled: "CancelRequested"
            case .retried: "RetryRequested"
            case .deleted: "TraceDeleted"
            }
        }
    }

    private(set) var batches: [Batch] = []
    private(set) var questions: [String: Question] = [:]
    private(set) var promises: [Promise: [String: Int]] = [:]
    /// How often a name was asked for by somebody who was not told whether it was new: killed
    /// before the answer, or `run`, which prints the name alone.
    private(set) var unanswered: [String: Int] = [:]
    /// Names of which somebody was told that they are there.
    private(set) var known: [String] = []

    mutating func add(_ questions: [(name: String, question: Question)], file: String) -> Int {
        for (name, question) in questions { self.questions[name] = question }
        batches.append(Batch(names: questions.map(\.name), file: file))
        return batches.count - 1
    }

    /// Takes in what a command printed; `batch` is what it asked for, `isWhole` that it said all.
    mutating func take(_ lines: [Substring], batch: Int?, isWhole: Bool) throws {
        var answered: Set<String> = []
        for line in lines {
            let words = line.split(separator: " ")
            let prefix = "traceflow.crd.antrea.io/"
            guard let first = words.first, first.hasPrefix(prefix), words.count <= 2 else {
                throw Violation("a line that says nothing: \(line)")
            }
            let name = String(first.dropFirst(prefix.count))
            guard questions[name] != nil else { throw Violation("nobody asked for \(name)") }
            answered.insert(name)
            if words.count == 1 {
                unanswered[name, default: 0] += 1
            } else if let promise = Promise(rawValue: String(words[1])) {
                promises[promise, default: [:]][name, default: 0] += 1
            } else if words[1] != "unchanged" {
                throw Violation("a line that says nothing: \(line)")
            }
            if batch != nil { known.append(name) }
        }
        guard let batch else { return }
        for name in batches[batch].names where !answered.contains(name) {
            if isWhole { throw Violation("\(batches[batch].file): no word about \(name)") }
            unanswered[name, default: 0] += 1
        }
        if !answered.isEmpty { batches[batch].wasAcknowledged = true }
    }

    var acknowledgedCount: Int { promises.values.reduce(0) { $0 + $1.values.reduce(0, +) } }
}
