import Traceflow

extension TraceLife {
    /// Returns the event that ends the attempt now, if something does.
    ///
    /// In this order: complete reports (they win over the deadline and over a wish to cancel that
    /// came too late), a node's failure, a cancellation, the deadline. `overdueAt` is the moment
    /// that deadlines are held against; a trace is due when it is later than its deadline.
    public func ending(overdueAt: Moment) -> TraceEvent? {
        guard !phase.isTerminal else { return nil }
        switch outcome {
        case .complete(let verdict): return .succeeded(attempt: attempt, verdict: verdict)
        case .nodeFailed(let reason): return .failed(attempt: attempt, reason: reason)
        case nil: break
        }
        if isCancelRequested { return .failed(attempt: attempt, reason: Self.cancelledReason) }
        guard phase == .running, let allocation, overdueAt > allocation.deadline else { return nil }
        return .timedOut(attempt: attempt, verdict: progress.verdictAtDeadline)
    }

    /// Returns the retry that follows a failed attempt of its own accord; nil when none is left,
    /// when the trace did not fail, or when somebody cancelled or deleted it.
    public func automaticRetry(at now: Moment) -> TraceEvent? {
        guard isRetried else { return nil }
        let number = retriesUsed + 1
        let wait = RetryBackoff.seconds(beforeRetry: number)
        return .retryRequested(
            Retry(
                attempt: attempt + 1, notBefore: now.advanced(bySeconds: wait),
                automaticNumber: number, facts: facts))
    }

    /// Whether another attempt follows the failed one without being asked for.
    var isRetried: Bool {
        phase == .failed && !isCancelRequested && !isDeleted && retriesUsed < facts.retries
    }

    /// Returns the retry that would follow if `ending` were recorded now; nil when none would.
    func automaticRetry(after ending: TraceEvent, at now: Moment) -> TraceEvent? {
        guard retriesUsed < facts.retries else { return nil }
        var ended = self
        ended.evolve(ending)
        return ended.automaticRetry(at: now)
    }
}
