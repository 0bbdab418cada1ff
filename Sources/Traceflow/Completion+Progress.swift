extension Completion {
    /// How far the reports of one attempt have come, fed one node result after the other.
    ///
    /// It is all that the rules need, so nobody has to keep observations to apply them.
    public struct Progress: Hashable, Sendable {
        /// Whether any node reported, be it nothing.
        public private(set) var hasReport: Bool
        /// Whether the sender's own observation is among the reports.
        public private(set) var hasSender: Bool
        /// What the last terminal action so far means.
        public private(set) var lastVerdict: Verdict?
        /// The packet's path, as far as it was reported.
        public private(set) var path: PathDigest

        public init(
            hasReport: Bool = false, hasSender: Bool = false, lastVerdict: Verdict? = nil,
            path: PathDigest = PathDigest()
        ) {
            self.hasReport = hasReport
            self.hasSender = hasSender
            self.lastVerdict = lastVerdict
            self.path = path
        }

        init(of results: [NodeResult]) {
            self.init()
            for result in results { add(ResultSummary(of: result.observations)) }
        }

        /// Takes in the next node's result.
        public mutating func add(_ summary: ResultSummary) {
            hasReport = true
            if summary.hasSender { hasSender = true }
            lastVerdict = summary.verdict ?? lastVerdict
            path.add(summary.path)
        }

        /// Whether the reports finish the trace.
        public func isComplete(droppedOnly: Bool, needsSender: Bool) -> Bool {
            if droppedOnly { return hasReport }
            return (hasSender || !needsSender) && lastVerdict != nil
        }

        /// The verdict of a finished trace.
        public var verdict: Verdict { lastVerdict ?? .unknown }

        /// The verdict of a trace that ran out of time.
        public var verdictAtDeadline: Verdict { lastVerdict ?? (hasSender ? .lost : .unknown) }
    }
}
