import Captures
import History
import JobLog
import TraceLog
import Traceflow

/// Gives up captures of a log by a policy: plans, says so in the log, removes files.
public struct CapturePruner {
    private let book: CaptureBook
    private let folder: CaptureFolder

    /// As far as the book's history is folded.
    public init(log: JobLog, book: CaptureBook) {
        self.book = book
        folder = CaptureFolder(CaptureBook.folder(of: log))
    }

    /// What would go, and what it would leave; nil for nothing.
    public struct Outlook: Hashable, Sendable {
        public var plan: CapturePruning.Plan
        /// Files of which nothing is left, with their bytes.
        public var files: [CaptureFolder.File]
    }

    public func outlook(of policy: CapturePruning, at now: Moment) throws -> Outlook? {
        let captures = try captures()
        let files = try folder.files()
        let bytes = Dictionary(
            files.map { ($0.number, $0.bytes) }, uniquingKeysWith: { first, _ in first })
        guard let plan = policy.plan(captures, fileBytes: bytes, at: now.microseconds) else {
            return nil
        }
        let gone = Set(captures[..<plan.captures].map(\.file))
        let kept = Set(captures[plan.captures...].map(\.file))
        return Outlook(
            plan: plan,
            files: files.filter { gone.contains($0.number) && !kept.contains($0.number) })
    }

    /// Notes in the log that the captures are given up.
    public func record(_ outlook: Outlook, _ policy: CapturePruning) throws {
        let plan = outlook.plan
        try book.record(
            .pruned(
                CapturesPruned(
                    through: plan.through, captures: plan.captures, packets: plan.packets,
                    reason: policy.reason(plan.limits),
                    highestFile: max(plan.highestFile, try book.highestFile()))))
    }

    /// Removes the files of which every capture is given up, now or before. Those that somebody
    /// still adds to stay until they are left alone, and so does what the log never spoke of.
    ///
    /// The book must know what was recorded.
    public func sweepUp() throws -> (removed: [CaptureFolder.File], busy: [CaptureFolder.File]) {
        var candidates = try folder.files()
        guard book.prunedThrough > 0, !candidates.isEmpty else { return ([], []) }
        let kept = Set(try captures().map(\.file))
        candidates.removeAll { kept.contains($0.number) }
        guard !candidates.isEmpty else { return ([], []) }
        var known: Set<Int64> = []
        let wanted = Set(candidates.map(\.number))
        try book.forEachPruned { place in
            if wanted.contains(place.file) { known.insert(place.file) }
            return known.count < wanted.count
        }
        var (removed, busy): ([CaptureFolder.File], [CaptureFolder.File]) = ([], [])
        for file in candidates where known.contains(file.number) {
            if try folder.remove(file.number) { removed.append(file) } else { busy.append(file) }
        }
        return (removed, busy)
    }

    /// Does what is due now.
    public static func apply(
        _ policy: CapturePruning, to log: JobLog, mayGoOn: () -> Bool = { true },
        tell: (String) -> Void
    ) throws {
        let history = try History(of: log)
        try history.catchUp { _ in mayGoOn() }
        guard mayGoOn() else { return }
        var pruner = CapturePruner(log: log, book: try CaptureBook(log: log, history: history))
        if let outlook = try pruner.outlook(of: policy, at: Moment(microseconds: log.now())) {
            try pruner.record(outlook, policy)
            tell(
                "pruned \(outlook.plan.captures) captures with \(outlook.plan.packets) packets:"
                    + " \(policy.reason(outlook.plan.limits))")
            try history.catchUp { _ in true }
            pruner = CapturePruner(log: log, book: try CaptureBook(log: log, history: history))
        }
        for file in try pruner.sweepUp().removed {
            tell("removed captures/\(file.name): \(file.bytes) bytes")
        }
    }

    /// Those that are left, in the order of the log.
    private func captures() throws -> [CapturePruning.Capture] {
        var captures: [CapturePruning.Capture] = []
        try book.forEachPlace { position, recordedAt, place in
            captures.append(
                CapturePruning.Capture(
                    position: position, archivedAt: recordedAt, file: place.file,
                    packets: place.packets))
            return true
        }
        return captures.reversed()
    }
}

extension CapturePruning {
    /// The limits that were passed, for people.
    func reason(_ limits: Set<Limit>) -> String {
        Limit.allCases.filter(limits.contains).map { limit in
            switch limit {
            case .age: "older than \((ageMicroseconds ?? 0) / 1_000_000) s"
            case .bytes: "more than \(bytesMax ?? 0) bytes"
            case .count: "more than \(countMax ?? 0) captures"
            }
        }.joined(separator: ", ")
    }
}
