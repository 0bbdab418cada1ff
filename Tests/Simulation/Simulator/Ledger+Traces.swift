import JobLog
import Scheduler
import TraceLog
import Traceflow

/// The rules of traces: who may start, with which tag, and how an attempt ends.
extension Ledger {
    mutating func take(
        _ event: TraceEvent, _ row: EventRow, by author: Author?, endedBefore: Int64?
    ) throws {
        if case .requested(let request) = event {
            guard row.version == 1 else {
                throw Violation("event \(row.position) asks for a trace that is there")
            }
            let story = Story(request, position: row.position)
            try takeMember(request.naming, row)
            stories[Int(row.stream)] = story
            tags.enqueue(story, row.stream)
            if case .given(let name) = request.naming { try names.take(name, row.stream) }
            openCount += 1
            tally.traces += 1
            return
        }
        guard var story = stories[Int(row.stream)] else {
            throw Violation("event \(row.position) is of a trace that nobody asked for")
        }
        do {
            try take(event, row, by: author, endedBefore, &story)
        } catch let fault as Violation {
            throw Violation("event \(row.position), trace \(row.stream): \(fault)")
        }
        stories[Int(row.stream)] = story
    }

    private mutating func take(
        _ event: TraceEvent, _ row: EventRow, by author: Author?, _ endedBefore: Int64?,
        _ story: inout Story
    ) throws {
        switch event {
        case .requested: break
        case .tagAllocated(let allocation):
            try checkMayDecide(author)
            try start(allocation, row, &story)
        case .nodeReported(let id, let result):
            reports.insert(ReportKey(trace: TraceID(row.stream), id: id))
            story.take(id, result.observations)
        case .nodeFailed(let id, let error):
            reports.insert(ReportKey(trace: TraceID(row.stream), id: id))
            story.take(id, error: error)
        case .packetCaptured, .captureArchived: break
        case .begun: throw Violation("was begun by a data plane that allots no tags")
        case .succeeded(let attempt, let verdict):
            try checkMayDecide(author)
            try checkEnd(attempt, story)
            guard story.outcome == .complete(verdict) else {
                throw Violation("succeeded with \(verdict) without the reports for it")
            }
            end(.succeeded, event, row, &story)
        case .timedOut(let attempt, let verdict):
            try checkMayDecide(author)
            try checkEnd(attempt, story)
            try checkTimeout(verdict, row, story)
            end(.failed, event, row, &story)
        case .failed(let attempt, let reason):
            try checkMayDecide(author)
            try checkEnd(attempt, story)
            let isMeant =
                story.outcome == .failed(reason: reason)
                || (story.outcome == nil && story.isCancelRequested || isOfCancelledSweep(story))
                    && reason == TraceLife.cancelledReason
            guard isMeant else { throw Violation("failed without reason: \(reason)") }
            end(.failed, event, row, &story)
        case .retryRequested(let retry):
            try queueAgain(retry, row, by: author, endedBefore, &story)
        case .cancelRequested:
            if !story.phase.isTerminal { story.isCancelRequested = true }
        case .metadataChanged: break
        case .deleted:
            if !story.phase.isTerminal { story.isCancelRequested = true }
            story.isDeleted = true
            names.giveBack(story.name, row.stream, at: row.position)
        }
    }

    private func checkEnd(_ attempt: Int, _ story: Story) throws {
        guard !story.phase.isTerminal, attempt == story.attempt, !story.ended.contains(attempt)
        else { throw Violation("attempt \(attempt) ended, it is \(story.attempt), \(story.phase)") }
    }

    private func checkTimeout(_ verdict: Verdict, _ row: EventRow, _ story: Story) throws {
        guard let deadline = story.allocation?.deadline.microseconds, row.recordedAt > deadline
        else { throw Violation("timed out before its deadline") }
        guard story.outcome == nil, !story.isCancelRequested else {
            throw Violation("timed out although it was over already")
        }
        guard verdict == story.verdictAtDeadline else {
            throw Violation("timed out with \(verdict), not \(story.verdictAtDeadline)")
        }
    }

    private mutating func start(
        _ allocation: TagAllocation, _ row: EventRow, _ story: inout Story
    ) throws {
        guard !story.phase.isTerminal, !story.isCancelRequested, story.outcome == nil else {
            throw Violation("was started although it is over (\(story.phase))")
        }
        let seconds =
            Int64(story.facts.timeoutSeconds + tags.profile.startSecondsMax) * 1_000_000
        guard allocation.deadline.microseconds == row.recordedAt + seconds else {
            throw Violation("has the wrong deadline")
        }
        tally.attempts += 1
        if let held = story.allocation {
            guard allocation.attempt == story.attempt + 1, allocation.tag == held.tag,
                allocation.scope == held.scope, allocation.executor != held.executor
            else { throw Violation("was taken over wrongly: \(allocation) after \(held)") }
            loads[held.executor, default: 0] -= 1
            tally.takeovers += 1
        } else {
            guard allocation.attempt == story.attempt else {
                throw Violation("attempt \(allocation.attempt) started, not \(story.attempt)")
            }
            try tags.start(story, row.stream, allocation, at: row.recordedAt) { other in
                self.stories[Int(other)]?.isCancelRequested == true
            }
        }
        loads[allocation.executor, default: 0] += 1
        guard let room = rooms[allocation.executor], loads[allocation.executor] ?? 0 <= room else {
            throw Violation("\(allocation.executor) has no room for it")
        }
        story.start(allocation)
    }

    private mutating func end(
        _ phase: Phase, _ event: TraceEvent, _ row: EventRow, _ story: inout Story
    ) {
        if let held = story.allocation {
            loads[held.executor, default: 0] -= 1
            tags.release(held, row.stream)
        } else {
            tags.dequeue(story, row.stream)
        }
        let steps = story.steps
        story.end(phase)
        if let sweep = story.facts.sweep?.rawValue { sweeps[sweep]?.end(event) }
        if let schedule = story.facts.schedule?.rawValue, !willBeRetried(story, event) {
            schedules[schedule]?.open.remove(row.stream)
            let verdict: Verdict? =
                switch event {
                case .succeeded(_, let verdict), .timedOut(_, let verdict): verdict
                case _: story.isCancelRequested ? nil : .unknown
                }
            let isWhole = if case .succeeded = event { true } else { false }
            let judgement = schedules[schedule]?.probe.end(
                row.stream, verdict, by: isWhole ? steps : nil, at: row.recordedAt,
                changedAt: clusterChangedAt)
            if judgement == .held { tally.resultsHeld += 1 }
            if judgement == .excused { tally.resultsExcused += 1 }
        }
        openCount -= 1
        endedLast = row.stream
    }

    private mutating func queueAgain(
        _ retry: Retry, _ row: EventRow, by author: Author?, _ endedBefore: Int64?,
        _ story: inout Story
    ) throws {
        if retry.automaticNumber > 0 {
            try checkMayDecide(author)
            let wait = Int64(RetryBackoff.seconds(beforeRetry: retry.automaticNumber)) * 1_000_000
            guard endedBefore == row.stream, story.phase == .failed, !story.isCancelRequested,
                !story.isDeleted, !isOfCancelledSweep(story), retry.attempt == story.attempt + 1,
                retry.automaticNumber == story.retriesUsed + 1,
                retry.automaticNumber <= story.facts.retries,
                retry.notBefore.microseconds == row.recordedAt + wait, retry.facts == story.facts
            else { throw Violation("was retried wrongly: \(retry)") }
            if let sweep = story.facts.sweep?.rawValue { sweeps[sweep]?.retry() }
        } else {
            // Asked for by hand, perhaps too late: then it changes nothing.
            guard story.phase.isTerminal, !story.isDeleted, retry.attempt == story.attempt + 1
            else { return }
        }
        if retry.automaticNumber == 0, retry.facts.sweep != nil {
            throw Violation("was retried by hand and counted in its sweep again")
        }
        story.queueAgain(retry, position: row.position)
        tags.enqueue(story, row.stream)
        openCount += 1
        tally.retries += 1
    }
}
