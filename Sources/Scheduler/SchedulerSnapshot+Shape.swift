import Traceflow

extension SchedulerSnapshot {
    /// What a snapshot tells: newer ones tell more.
    ///
    /// Who goes on from one that tells less knows less than who folds the log from its beginning.
    /// So a fold that comes to such a checkpoint goes on from it as well, and all know the same.
    public enum Shape: Int32, Comparable, Sendable, CaseIterable {
        /// Without what findings need.
        case withoutFindings = 0
        case withFindings = 1

        public static let newest = Shape.withFindings

        public static func < (a: Shape, b: Shape) -> Bool { a.rawValue < b.rawValue }
    }

    /// The same as an earlier version would have set it down.
    public func reduced(to shape: Shape) -> SchedulerSnapshot {
        guard shape < self.shape else { return self }
        var reduced = self
        (reduced.shape, reduced.clusterChangedAt) = (shape, nil)
        for place in reduced.lives.indices { reduced.lives[place].life.forgetPath() }
        for place in reduced.schedules.indices { reduced.schedules[place].life.forgetFindings() }
        return reduced
    }
}

extension ScheduleLife {
    fileprivate mutating func forgetFindings() {
        (found, held, pathChange) = (nil, nil, nil)
        for place in runs.indices {
            let run = runs[place]
            runs[place] = Run(subject: run.subject, slot: run.slot, expected: run.expected)
        }
    }
}
