import JobLog
import Scheduler
import Traceflow

/// A fact of the log, as what it means.
public enum LogEvent: Hashable, Sendable {
    case trace(TraceEvent)
    case sweep(SweepEvent)
    case schedule(ScheduleEvent)
    case clusterObserved(ClusterObserved)
    case logCreated(id: String, clusterName: String)
    case deciderTookOver(epoch: Int64, holder: String)
    case tagProfileChanged(TagProfile)
    case segmentSealed(segment: Int64)
    case segmentArchived(SegmentArchived)
    case segmentRestored(segment: Int64)
    case segmentDropped(segment: Int64)
    case checkpoint(SchedulerSnapshot)
    case captures(CapturesEvent)
}

/// How a cluster differs from the one observed before it.
public struct ClusterObserved: Hashable, Sendable {
    /// Identifies the whole cluster: made of the references of everything in it.
    public var digest: [UInt8]
    public var appeared: [ResourceReference]
    public var changed: [ResourceReference]
    public var vanished: [ResourceReference]
    /// What appeared is all there is, as it was observed before: said again at the beginning of a
    /// segment, which may outlive those before it.
    public var isWhole: Bool

    public init(
        digest: [UInt8], appeared: [ResourceReference], changed: [ResourceReference],
        vanished: [ResourceReference], isWhole: Bool = false
    ) {
        self.digest = digest
        self.appeared = appeared
        self.changed = changed
        self.vanished = vanished
        self.isWhole = isWhole
    }
}

/// What became of a sealed segment's file.
public struct SegmentArchived: Hashable, Sendable {
    public var segment: Int64
    public var bytes: Int64
    public var archivedBytes: Int64
    /// SHA-256 of what the archive expands to.
    public var digest: [UInt8]
    /// Where the archive went; empty when it lies in the log's folder.
    public var folder: String

    public init(
        segment: Int64, bytes: Int64, archivedBytes: Int64, digest: [UInt8], folder: String = ""
    ) {
        self.segment = segment
        self.bytes = bytes
        self.archivedBytes = archivedBytes
        self.digest = digest
        self.folder = folder
    }
}

/// A Kubernetes object by name and by what it held.
public struct ResourceReference: Hashable, Sendable {
    public var apiVersion: String
    public var kind: String
    /// Empty for cluster-scoped kinds.
    public var namespace: String
    public var name: String
    /// Digest of the object's content; the content is kept once in the log.
    public var digest: [UInt8]
    /// Who changed it last, and when; nil where nobody tells.
    public var change: Change?

    /// As the API server has it of whoever did (`metadata.managedFields`).
    public struct Change: Hashable, Sendable {
        public var manager: String
        public var at: Moment

        public init(manager: String, at: Moment) {
            self.manager = manager
            self.at = at
        }
    }

    public init(
        apiVersion: String, kind: String, namespace: String, name: String, digest: [UInt8],
        change: Change? = nil
    ) {
        self.change = change
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.digest = digest
    }

    /// What stays the same when the content changes.
    public var key: String { "\(apiVersion)/\(kind)/\(namespace)/\(name)" }
}

/// The numbers that event types have in the database. Never changed, never used twice.
public enum LogEventType: Int32, CaseIterable, Sendable {
    case traceRequested = 1
    case tagAllocated = 2
    case nodeReported = 3
    case nodeFailed = 4
    case packetCaptured = 5
    case traceSucceeded = 6
    case traceTimedOut = 7
    case traceFailed = 8
    case retryRequested = 9
    case cancelRequested = 10
    case traceDeleted = 11
    case captureArchived = 28
    case traceStarted = 53
    case scheduleChanged = 12
    case schedulePaused = 13
    case scheduleResumed = 14
    case scheduleDeleted = 15
    case scheduleRunRequested = 16
    case slotFired = 17
    case slotMissed = 18
    case probeBroken = 24
    case probeHealthy = 25
    case notificationDelivered = 26
    case pathChanged = 27
    case sweepRequested = 20
    case sweepExpanded = 21
    case sweepFinished = 22
    case sweepCancelled = 23
    case clusterObserved = 30
    case logCreated = 40
    case deciderTookOver = 41
    case tagProfileChanged = 42
    case segmentSealed = 43
    case checkpoint = 44
    case segmentArchived = 45
    case segmentRestored = 46
    case segmentDropped = 47
    case capturesExported = 48
    case capturesPruned = 49
    case captureFilePushed = 50
    case captureFileDropped = 51
    case captureUploaded = 52
    case metadataChanged = 54

    public var name: String {
        switch self {
        case .traceRequested: "TraceRequested"
        case .tagAllocated: "TagAllocated"
        case .nodeReported: "NodeReported"
        case .nodeFailed: "NodeFailed"
        case .packetCaptured: "PacketCaptured"
        case .traceSucceeded: "TraceSucceeded"
        case .traceTimedOut: "TraceTimedOut"
        case .traceFailed: "TraceFailed"
        case .retryRequested: "RetryRequested"
        case .cancelRequested: "CancelRequested"
        case .traceDeleted: "TraceDeleted"
        case .captureArchived: "CaptureArchived"
        case .traceStarted: "TraceStarted"
        case .scheduleChanged: "ScheduleChanged"
        case .schedulePaused: "SchedulePaused"
        case .scheduleResumed: "ScheduleResumed"
        case .scheduleDeleted: "ScheduleDeleted"
        case .scheduleRunRequested: "ScheduleRunRequested"
        case .slotFired: "SlotFired"
        case .slotMissed: "SlotMissed"
        case .probeBroken: "ProbeBroken"
        case .probeHealthy: "ProbeHealthy"
        case .notificationDelivered: "NotificationDelivered"
        case .pathChanged: "PathChanged"
        case .sweepRequested: "SweepRequested"
        case .sweepExpanded: "SweepExpanded"
        case .sweepFinished: "SweepFinished"
        case .sweepCancelled: "SweepCancelled"
        case .clusterObserved: "ClusterObserved"
        case .logCreated: "LogCreated"
        case .deciderTookOver: "DeciderTookOver"
        case .tagProfileChanged: "TagProfileChanged"
        case .segmentSealed: "SegmentSealed"
        case .checkpoint: "Checkpoint"
        case .segmentArchived: "SegmentArchived"
        case .segmentRestored: "SegmentRestored"
        case .segmentDropped: "SegmentDropped"
        case .capturesExported: "CapturesExported"
        case .capturesPruned: "CapturesPruned"
        case .captureFilePushed: "CaptureFilePushed"
        case .captureFileDropped: "CaptureFileDropped"
        case .captureUploaded: "CaptureUploaded"
        case .metadataChanged: "MetadataChanged"
        }
    }

    /// The kind of stream the type belongs to.
    public var family: StreamFamily {
        switch self {
        case .traceRequested, .tagAllocated, .nodeReported, .nodeFailed, .packetCaptured,
            .traceSucceeded, .traceTimedOut, .traceFailed, .retryRequested, .cancelRequested,
            .traceDeleted, .captureArchived, .metadataChanged, .traceStarted:
            .trace
        case .sweepRequested, .sweepExpanded, .sweepFinished, .sweepCancelled: .sweep
        case .scheduleChanged, .schedulePaused, .scheduleResumed, .scheduleDeleted,
            .scheduleRunRequested, .slotFired, .slotMissed, .probeBroken, .probeHealthy,
            .pathChanged, .notificationDelivered:
            .schedule
        case .clusterObserved: .cluster
        case .logCreated, .deciderTookOver, .tagProfileChanged, .segmentSealed, .checkpoint,
            .segmentArchived, .segmentRestored, .segmentDropped, .capturesExported,
            .capturesPruned, .captureFilePushed, .captureFileDropped, .captureUploaded:
            .log
        }
    }

    /// All types, for opening a log.
    public static var registry: [EventType] {
        allCases.map { EventType(id: $0.rawValue, name: $0.name, family: $0.family.rawValue) }
    }
}

/// The kinds of streams a log holds.
public enum StreamFamily: String, Sendable, CaseIterable {
    case trace, sweep, schedule, cluster, log
}
