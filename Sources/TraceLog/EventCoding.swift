import JobLog
import Scheduler
import SwiftProtobuf
import Traceflow

/// Turns events into the bytes of the log and back.
///
/// The shapes are in `proto/trace_event.proto`. `schema` is the number of a payload's shape; a
/// change that old readers would misread gets a new number and keeps the old one readable.
public enum EventCoding {
    /// The shape that is written today, for every type.
    public static let schema: Int32 = 1

    /// The draft of an event of the given stream.
    public static func draft(
        _ event: LogEvent, stream: StreamRef, expectedVersion: Int64? = nil
    ) throws(TraceLogError) -> Draft {
        let (type, message) = message(of: event)
        let payload: [UInt8]
        do {
            payload = try message.serializedBytes()
        } catch {
            throw TraceLogError(.malformedEvent, position: 0, detail: "\(type.name): \(error)")
        }
        return Draft(
            stream: stream, type: type.rawValue, schema: schema, payload: payload,
            expectedVersion: expectedVersion)
    }

    /// The event that was recorded; types and shapes of a newer version are an error.
    public static func event(_ recorded: RecordedEvent) throws(TraceLogError) -> LogEvent {
        guard let type = LogEventType(rawValue: recorded.type), recorded.schema == schema else {
            throw TraceLogError(
                .unknownEvent, position: recorded.position,
                detail: "type \(recorded.type), schema \(recorded.schema)")
        }
        do {
            return try decode(type, recorded.payload)
        } catch let error as Malformed {
            throw TraceLogError(
                .malformedEvent, position: recorded.position, detail: "\(type.name): \(error.what)")
        } catch {
            throw TraceLogError(
                .malformedEvent, position: recorded.position, detail: "\(type.name): \(error)")
        }
    }

    /// One line of JSON with the event's content, for people and scripts.
    public static func json(_ recorded: RecordedEvent) throws(TraceLogError) -> String {
        let event = try event(recorded)
        do {
            return try message(of: event).message.jsonString()
        } catch {
            throw TraceLogError(.malformedEvent, position: recorded.position, detail: "\(error)")
        }
    }

    static func message(of event: LogEvent) -> (type: LogEventType, message: any Message) {
        switch event {
        case .trace(let event): message(of: event)
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
        }
    }

    private static func message(
        of event: TraceEvent
    ) -> (type: LogEventType, message: any Message) {
        switch event {
        case .requested(let request): (.traceRequested, PBTraceRequested(request))
        case .tagAllocated(let allocation): (.tagAllocated, PBTagAllocated(allocation))
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
        }
    }
}

/// Bytes that decode as Protocol Buffers but say nothing an event can say.
struct Malformed: Error {
    let what: String
}
