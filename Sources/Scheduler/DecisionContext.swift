import Traceflow

/// What a decision is made with besides the state: the time and who can work.
public struct DecisionContext: Sendable {
    public var now: Moment
    /// The moment deadlines are held against; earlier than `now` while a jump of the clock is
    /// being waited out.
    public var overdueAt: Moment
    public var executors: [Executor]
    /// Decisions at most; more follow in the next transaction. (An end and the retry that follows
    /// from it are never parted, so a pass that may decide once may decide these two.)
    public var decisionsMax: Int

    public init(
        now: Moment, overdueAt: Moment? = nil, executors: [Executor], decisionsMax: Int = 10_000
    ) {
        self.now = now
        self.overdueAt = overdueAt ?? now
        self.executors = executors
        self.decisionsMax = decisionsMax
    }
}
