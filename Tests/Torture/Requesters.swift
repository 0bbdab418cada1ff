import Glibc

/// The commands that ask for something: traces in batches, and changes of them.
///
/// Some are killed in the middle. What they had printed by then is a promise all the same.
struct Requesters {
    private struct Asking {
        var child: Child
        /// Whether the answer may be no.
        var mayBeRefused: Bool
        var batch: Int?
        var doomAt: Int64?
    }

    let arena: Arena
    var ledger = Ledger()
    /// Automatic retries of some requests; each costs the backoff's seconds at the end.
    var retriesMax = 0
    /// How many of the requests are made by `run`, which waits for the end.
    var runsPercent = 0
    /// Whether a request may be refused because the disk is full.
    var mayStarve = false
    private(set) var kills = 0
    private(set) var starvedCount = 0
    private(set) var askedCount = 0
    private var asking: [Asking] = []
    /// How long an undisturbed request takes, so that kills fall within it.
    private var typicalMilliseconds = 40

    init(arena: Arena) { self.arena = arena }

    /// Traces that are acknowledged, or asked for by somebody who still lives.
    var standingCount: Int {
        asking.compactMap(\.batch).reduce(ledger.known.count) { count, batch in
            count + ledger.batches[batch].names.count
        }
    }

    /// Asks for so many new traces.
    mutating func ask(
        _ count: Int, of kinds: [Question] = Question.allCases, doomed: Bool = false,
        _ chance: inout Chance
    ) throws {
        var text = ""
        var questions: [(name: String, question: Question)] = []
        for _ in 0..<count {
            askedCount += 1
            let name = "t\(askedCount)"
            let question = chance.pick(kinds) ?? .delivered
            let retries = chance.happens(20) ? retriesMax : 0
            text += question.manifest(name: name, retries: retries, &chance)
            questions.append((name, question))
        }
        let file = try arena.write(text, to: "batch\(ledger.batches.count + 1).yaml")
        let batch = ledger.add(questions, file: file)
        if chance.happens(runsPercent) {
            // It works itself when nobody else does, and may die in the middle of that.
            try begin(["run", "-o", "name"], batch: batch, doomed: doomed, &chance)
        } else {
            try begin(["apply"], batch: batch, doomed: doomed, &chance)
        }
    }

    /// Asks again for what a killed requester may or may not have recorded.
    mutating func askAgain(_ chance: inout Chance) throws {
        for (index, batch) in ledger.batches.enumerated()
        where !batch.wasAcknowledged && chance.happens(80) {
            try begin(["apply"], batch: index, doomed: false, &chance)
        }
    }

    /// Cancels, retries or deletes a few traces.
    mutating func change(doomed: Bool, _ chance: inout Chance) throws {
        let names = (0..<chance.number(1...3)).compactMap { _ in
            chance.pick(Array(ledger.known.suffix(60)))
        }
        guard !names.isEmpty, let command = chance.pick(["cancel", "retry", "delete"]) else {
            return
        }
        try begin([command] + Set(names).sorted(), batch: nil, doomed: doomed, &chance)
    }

    private mutating func begin(
        _ words: [String], batch: Int?, doomed: Bool, _ chance: inout Chance
    ) throws {
        let file = batch.map { ["--cluster", arena.cluster, "-f", ledger.batches[$0].file] } ?? []
        let child = try arena.start(words + file)
        let moment = Int64(chance.number(0...(typicalMilliseconds * 5 / 4)))
        asking.append(
            Asking(
                child: child, mayBeRefused: words != ["apply"], batch: batch,
                doomAt: doomed ? child.startedAt + moment : nil))
    }

    /// Kills whose time has come, and hears those that have ended.
    mutating func look() throws {
        let all = asking
        asking = []
        for one in all {
            if let doomAt = one.doomAt, Wait.now() >= doomAt { try one.child.kill() }
            if one.child.poll() != nil {
                try hear(one)
            } else {
                asking.append(one)
            }
        }
    }

    private mutating func hear(_ one: Asking) throws {
        let child = one.child
        switch child.end {
        case .exited(0):
            let typical = (typicalMilliseconds * 7 + child.milliseconds) / 8
            if !one.mayBeRefused { typicalMilliseconds = typical }
        // Of something that has changed meanwhile; or a trace that was run has failed.
        case .exited(1) where one.mayBeRefused: break
        case .exited(3) where mayStarve:
            try Starvation.check(child)
            starvedCount += 1
        case .killed(SIGKILL) where child.isDoomed: kills += 1
        case .exited, .killed, nil: throw Arena.wrong(child)
        }
        if child.errors.contains("locked") { throw Arena.wrong(child) }
        // Who waited for a trace is not told how it ended once that is archived.
        let isArchived = child.errors.contains("in an archived segment")
        let isWhole = child.end == .exited(0) || child.end == .exited(1) && !isArchived
        try ledger.take(child.lines, batch: one.batch, isWhole: isWhole)
        child.forget()
        arena.release(child)
    }

    mutating func settle() throws {
        let end = Wait.now() + 120_000
        while !asking.isEmpty {
            try look()
            if Wait.now() > end, let slow = asking.first { throw Arena.wrong(slow.child) }
            Wait.pause(milliseconds: 2)
        }
    }
}
