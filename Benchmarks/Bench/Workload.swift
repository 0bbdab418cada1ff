import JobLog
import TraceLog

/// Small events as `Benchmarks/Floor/floor.c` writes them: the same numbers, the same order.
struct Workload {
    static let eventsAStream = 5
    static let streamsInFlight = 64
    static let payloadBytes = 32

    private var stream = [Int64](repeating: 0, count: streamsInFlight)
    private var version = [Int](repeating: 0, count: streamsInFlight)
    private var count = 0

    /// Appends a batch; how many events.
    mutating func append(_ batch: Int, to log: JobLog) throws -> Int {
        var request = AppendRequest()
        request.drafts.reserveCapacity(batch)
        var begun = [Int](repeating: -1, count: Self.streamsInFlight)
        for _ in 0..<batch {
            let slot = count % Self.streamsInFlight
            if version[slot] % Self.eventsAStream == 0 {
                begun[slot] = request.newStreams.count
                request.newStreams.append(Subject.stream)
            }
            version[slot] += 1
            count += 1
            request.drafts.append(
                Self.draft(begun[slot] < 0 ? .existing(stream[slot]) : .new(begun[slot]), count))
        }
        let streams = try log.append(request).streams
        for slot in 0..<Self.streamsInFlight where begun[slot] >= 0 {
            guard streams.indices.contains(begun[slot]) else {
                throw BenchError("an append did not say which streams it began")
            }
            stream[slot] = streams[begun[slot]]
        }
        return batch
    }

    /// An event that nothing decodes.
    static func draft(_ stream: StreamRef, _ number: Int) -> Draft {
        var payload = [UInt8](repeating: 0, count: payloadBytes)
        withUnsafeBytes(of: number) { bytes in
            for (index, byte) in bytes.enumerated() { payload[index] = byte }
        }
        return Draft(
            stream: stream, type: LogEventType.traceRequested.rawValue, schema: 1,
            payload: payload)
    }
}
