import History
import JobLog
import Traceflow

/// Applies a retention policy to a log's segments.
///
/// Plan, then execute: what is due follows from the segments, the policy and how far the history
/// is folded (`RetentionPolicy.due`); each step says in the log what it did (`SegmentArchive`). A
/// step that is refused, since a trace of the segment has not ended, is due again at the next look.
public enum SegmentRetention {
    /// Does what is due now.
    public static func apply(
        _ policy: RetentionPolicy, to log: JobLog, holder: String,
        mayGoOn: () -> Bool = { true }, tell: (String) -> Void
    ) throws {
        let history = try History(of: log)
        guard history.isKept else {
            throw WorkerError(
                "\(log.folder)/history.db cannot be written, and would lose what they tell; check"
                    + " who owns it")
        }
        try history.catchUp { _ in mayGoOn() }
        let archive = SegmentArchive(log: log, holder: holder)
        let steps = policy.due(
            try log.info().segments, try SegmentArchive.fates(in: log),
            folded: try history.position(), at: Moment(microseconds: log.now()))
        for step in steps where mayGoOn() {
            do {
                switch step {
                case .archive(let segment):
                    let facts = try archive.archive(segment, to: policy.archiveFolder)
                    tell(
                        "segment \(segment) archived: \(facts.archivedBytes) of \(facts.bytes)"
                            + " bytes")
                case .drop(let segment):
                    try archive.drop(segment)
                    tell("segment \(segment) dropped")
                }
            } catch {
                // The others may fare better.
                let reason = (error as? JobLogError)?.message ?? "\(error)"
                tell("segment \(step.segment) stays: \(reason)")
            }
        }
    }
}
