import JobLog
import TraceLog

extension JobLog {
    /// Opens a log of traces: with our event types, our clock and our first event. What `beside`,
    /// the same log opened before, commits need not be read from the disk.
    public static func openTraces(
        _ folder: String, access: Access, durability: Durability = .full, clock: Clock = .system,
        storage: Storage = .fileSystem, limits: SegmentLimits = SegmentLimits(),
        newLogID: (@Sendable () -> String)? = nil, beside other: JobLog? = nil
    ) throws(JobLogError) -> JobLog {
        try open(
            folder, access: access,
            options: Options(
                durability: durability, now: { clock.now().microseconds },
                monotonic: clock.monotonicMicroseconds,
                eventTypes: LogEventType.registry,
                firstEvent: TraceCoding.firstEvent, storage: storage,
                rolling: TraceRolling.rolling(limits), newLogID: newLogID), beside: other)
    }

    /// The stream of the log's own events: its first.
    public static let ownStream: Int64 = 1
}
