import JobLog
import Scheduler
import SwiftProtobuf
import Traceflow

/// The messages of `proto/trace_event.proto` that events are written as when they carry everything
/// themselves: schema 1 of every type, and what `tracectl log dump` shows.
enum EventCoding {
    static func draft(_ event: LogEvent, stream: StreamRef) throws(TraceLogError) -> Draft {
        let (type, message) = message(of: event)
        return Draft(
            stream: stream, type: type.rawValue, schema: 1, payload: try bytes(message),
            isCheckpoint: type == .checkpoint)
    }

    static func bytes(_ message: some Message) throws(TraceLogError) -> [UInt8] {
        do {
            return try message.serializedBytes()
        } catch {
            throw TraceLogError(.malformedEvent, position: 0, detail: "\(error)")
        }
    }

    static func message(of event: LogEvent) -> (type: LogEventType, message: any Message) {
        switch event {
        case .trace(let event): message(of: event)
        case .sweep(let event): message(of: event)
        case .schedule(let event): message(of: event)
        case .clusterObserved(let observed): (.clusterObserved, PBClusterObserved(observed))
        case .logCreated(let id, let clusterName):
            (
                .logCreated,
                PBLogCreated.with {
                    $0.logID = id
                    $0.clusterName = clusterName
                }
            )
        case .deciderTookOver(let epoch, let holder):
            (
                .deciderTookOver,
                PBDeciderTookOver.with {
                    $0.epoch = epoch
                    $0.holder = holder
                }
            )
        case .tagProfileChanged(let profile): (.tagProfileChanged, PBTagProfileChanged(profile))
        case .segmentSealed(let segment):
            (.segmentSealed, PBSegmentSealed.with { $0.segment = segment })
        case .segmentArchived(let archived): (.segmentArchived, PBSegmentArchived(archived))
        case .segmentRestored(let segment):
            (.segmentRestored, PBSegmentRestored.with { $0.segment = segment })
        case .segmentDropped(let segment):
            (.segmentDropped, PBSegmentDropped.with { $0.segment = segment })
        case .checkpoint(let snapshot): (.checkpoint, PBCheckpoint(snapshot))
        case .captures(.exported(let exported)): (.capturesExported, PBCapturesExported(exported))
        case .captures(.pruned(let pruned)): (.capturesPruned, PBCapturesPruned(pruned))
        case .captures(.filePushed(let pushed)): (.captureFilePushed, PBCaptureFilePushed(pushed))
        case .captures(.fileDropped(let file)):
            (.captureFileDropped, PBCaptureFileDropped.with { $0.file = file })
        case .captures(.uploaded(let uploaded)): (.captureUploaded, PBCaptureUploaded(uploaded))
        }
    }

    private static func message(
        of event: TraceEvent
    ) -> (type: LogEventType, message: any Message) {
        switch event {
        case .requested(let request): (.traceRequested, PBTraceRequested(request))
        case .tagAllocated(let allocation): (.tagAllocated, PBTagAllocated(allocation))
        case .begun(let attempt, let moment):
            (
                .traceStarted,
                PBTraceStarted.with {
                    $0.attempt = Int32(clamping: attempt)
                    $0.atMicroseconds = moment.microseconds
                }
            )
        case .nodeReported(let id, let result): (.nodeReported, PBNodeReported(id, result))
        case .nodeFailed(let id, let error): (.nodeFailed, PBNodeFailed(id, error))
        case .packetCaptured(let id, let packet): (.packetCaptured, PBPacketCaptured(id, packet))
        case .succeeded(let attempt, let verdict):
            (
                .traceSucceeded,
                PBTraceSucceeded.with {
                    $0.attempt = Int32(clamping: attempt)
                    $0.verdict = PBVerdict(verdict)
                }
            )
        case .timedOut(let attempt, let verdict):
            (
                .traceTimedOut,
                PBTraceTimedOut.with {
                    $0.attempt = Int32(clamping: attempt)
                    $0.verdict = PBVerdict(verdict)
                }
            )
        case .failed(let attempt, let reason):
            (
                .traceFailed,
                PBTraceFailed.with {
                    $0.attempt = Int32(clamping: attempt)
                    $0.reason = reason
                }
            )
        case .retryRequested(let retry): (.retryRequested, PBRetryRequested(retry))
        case .cancelRequested: (.cancelRequested, PBCancelRequested())
        case .deleted: (.traceDeleted, PBTraceDeleted())
        case .metadataChanged(let labels, let annotations):
            (
                .metadataChanged,
                PBMetadataChanged.with {
                    $0.labels = labels
                    $0.annotations = annotations
                }
            )
        case .captureArchived(let archived): (.captureArchived, PBCaptureArchived(archived))
        }
    }
}

extension EventCoding {
    fileprivate static func message(
        of event: SweepEvent
    ) -> (type: LogEventType, message: any Message) {
        switch event {
        case .requested(let request): (.sweepRequested, PBSweepRequested(request))
        case .expanded(let first, let count):
            (
                .sweepExpanded,
                PBSweepExpanded.with {
                    $0.first = first
                    $0.count = Int64(count)
                }
            )
        case .finished(let tally):
            (.sweepFinished, PBSweepFinished.with { $0.tally = PBSweepTally(tally) })
        case .cancelled(let reason):
            (.sweepCancelled, PBSweepCancelled.with { $0.reason = reason })
        }
    }
}

/// Bytes that decode as Protocol Buffers but say nothing an event can say.
struct Malformed: Error {
    let what: String
}
