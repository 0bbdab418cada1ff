import Scheduler
import SwiftProtobuf
import Traceflow

extension EventCoding {
    static func decode(_ type: LogEventType, _ bytes: [UInt8]) throws -> LogEvent {
        switch type {
        case .clusterObserved:
            .clusterObserved(ClusterObserved(try PBClusterObserved(serializedBytes: bytes)))
        case .logCreated:
            try created(PBLogCreated(serializedBytes: bytes))
        case .deciderTookOver:
            try takenOver(PBDeciderTookOver(serializedBytes: bytes))
        case .tagProfileChanged:
            .tagProfileChanged(try TagProfile(PBTagProfileChanged(serializedBytes: bytes)))
        case .segmentSealed:
            .segmentSealed(segment: try PBSegmentSealed(serializedBytes: bytes).segment)
        case .segmentArchived:
            .segmentArchived(SegmentArchived(try PBSegmentArchived(serializedBytes: bytes)))
        case .segmentRestored:
            .segmentRestored(segment: try PBSegmentRestored(serializedBytes: bytes).segment)
        case .segmentDropped:
            .segmentDropped(segment: try PBSegmentDropped(serializedBytes: bytes).segment)
        case .checkpoint:
            .checkpoint(try SchedulerSnapshot(PBCheckpoint(serializedBytes: bytes)))
        case .capturesExported:
            .captures(
                .exported(CapturesExported(try PBCapturesExported(serializedBytes: bytes))))
        case .capturesPruned:
            .captures(.pruned(CapturesPruned(try PBCapturesPruned(serializedBytes: bytes))))
        case .captureFilePushed:
            .captures(
                .filePushed(CaptureFilePushed(try PBCaptureFilePushed(serializedBytes: bytes))))
        case .captureFileDropped:
            .captures(.fileDropped(file: try PBCaptureFileDropped(serializedBytes: bytes).file))
        case .captureUploaded:
            .captures(.uploaded(CaptureUploaded(try PBCaptureUploaded(serializedBytes: bytes))))
        case .traceRequested, .tagAllocated, .nodeReported, .nodeFailed, .packetCaptured,
            .traceSucceeded, .traceTimedOut, .traceFailed, .retryRequested, .cancelRequested,
            .traceDeleted, .captureArchived, .metadataChanged, .traceStarted:
            .trace(try decodeTrace(type, bytes))
        case .sweepRequested, .sweepExpanded, .sweepFinished, .sweepCancelled:
            .sweep(try decodeSweep(type, bytes))
        case .scheduleChanged, .schedulePaused, .scheduleResumed, .scheduleDeleted,
            .scheduleRunRequested, .slotFired, .slotMissed, .probeBroken, .probeHealthy,
            .pathChanged, .notificationDelivered:
            .schedule(try decodeSchedule(type, bytes))
        }
    }

    static func decodeSweep(_ type: LogEventType, _ bytes: [UInt8]) throws -> SweepEvent {
        switch type {
        case .sweepRequested:
            return .requested(try SweepRequest(PBSweepRequested(serializedBytes: bytes)))
        case .sweepExpanded:
            let message = try PBSweepExpanded(serializedBytes: bytes)
            return .expanded(
                first: try message.first.within(0...SweepRequest.totalMax, "first"),
                count: Int(try message.count.within(1...SweepRequest.chunkMax, "count")))
        case .sweepFinished:
            return .finished(SweepTally(try PBSweepFinished(serializedBytes: bytes).tally))
        case .sweepCancelled:
            return .cancelled(reason: try PBSweepCancelled(serializedBytes: bytes).reason)
        case _: throw Malformed(what: "not an event of a sweep")
        }
    }

    private static func created(_ message: PBLogCreated) -> LogEvent {
        .logCreated(id: message.logID, clusterName: message.clusterName)
    }

    private static func takenOver(_ message: PBDeciderTookOver) -> LogEvent {
        .deciderTookOver(epoch: message.epoch, holder: message.holder)
    }

    private static func decodeTrace(_ type: LogEventType, _ bytes: [UInt8]) throws -> TraceEvent {
        switch type {
        case .traceRequested:
            return .requested(try TraceRequest(PBTraceRequested(serializedBytes: bytes)))
        case .tagAllocated:
            return .tagAllocated(TagAllocation(try PBTagAllocated(serializedBytes: bytes)))
        case .traceStarted:
            let message = try PBTraceStarted(serializedBytes: bytes)
            return .begun(
                attempt: Int(message.attempt), at: Moment(microseconds: message.atMicroseconds))
        case .nodeReported:
            let message = try PBNodeReported(serializedBytes: bytes)
            return .nodeReported(message.reportID, try NodeResult(message))
        case .nodeFailed:
            let message = try PBNodeFailed(serializedBytes: bytes)
            return .nodeFailed(message.reportID, error: message.error)
        case .packetCaptured:
            let message = try PBPacketCaptured(serializedBytes: bytes)
            return .packetCaptured(message.reportID, CapturedPacket(message))
        case .traceSucceeded:
            let message = try PBTraceSucceeded(serializedBytes: bytes)
            return .succeeded(attempt: Int(message.attempt), verdict: try Verdict(message.verdict))
        case .traceTimedOut:
            let message = try PBTraceTimedOut(serializedBytes: bytes)
            return .timedOut(attempt: Int(message.attempt), verdict: try Verdict(message.verdict))
        case .traceFailed:
            let message = try PBTraceFailed(serializedBytes: bytes)
            return .failed(attempt: Int(message.attempt), reason: message.reason)
        case .retryRequested:
            return .retryRequested(Retry(try PBRetryRequested(serializedBytes: bytes)))
        case .cancelRequested: return .cancelRequested
        case .traceDeleted: return .deleted
        case .metadataChanged:
            let message = try PBMetadataChanged(serializedBytes: bytes)
            return .metadataChanged(labels: message.labels, annotations: message.annotations)
        case .captureArchived:
            return .captureArchived(
                try CaptureArchived(PBCaptureArchived(serializedBytes: bytes)))
        case _:
            throw Malformed(what: "not an event of a trace")
        }
    }
}
