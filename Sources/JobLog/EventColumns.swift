/// Events of an archived segment a column at a time, as they lie in a row of `event_run`.
///
///     streams        zigzag varints, each the difference to the one before
///     versions       varints
///     types          varints
///     schemas        varints
///     recorded_at    zigzag varints, each the difference to the one before
///     lengths        varints, of the payloads
///     payloads       those of one type after another, types in the order of their numbers
///
/// Varints are those of Protocol Buffers. What is alike lies together, so that LZ4 finds it: a
/// finished trace takes a third of what its rows take. Positions are not kept: the events of a run
/// follow each other.
struct EventColumns {
    private(set) var firstPosition: Int64 = 0
    private(set) var count = 0
    private var streams: [UInt8] = []
    private var versions: [UInt8] = []
    private var types: [UInt8] = []
    private var schemas: [UInt8] = []
    private var recordedAt: [UInt8] = []
    private var lengths: [UInt8] = []
    private var payloads: [Int64: [UInt8]] = [:]
    private var payloadBytes = 0
    private var last: (stream: Int64, recordedAt: Int64) = (0, 0)

    static let table = "event_run"
    static let definition = """
        create table event_run (first_position integer primary key, count integer, streams blob,
            versions blob, types blob, schemas blob, recorded_at blob, lengths blob, payloads blob)
        """
    /// Of one run, so that neither side ever holds much.
    fileprivate static let eventsMax = 1 << 14
    private static let bytesMax = 1 << 22

    /// As many as a run should have.
    var isFull: Bool { count >= Self.eventsMax || payloadBytes >= Self.bytesMax }

    /// Adds a row that has the columns of `event` as `SegmentFacts` lists them;
    /// returns false for one that does not follow the last.
    mutating func add(_ row: Statement) -> Bool {
        let position = row.number(0)
        if count == 0 {
            firstPosition = position
        } else if position != firstPosition + Int64(count) {
            return false
        }
        let (stream, type, moment) = (row.number(1), row.number(3), row.number(5))
        let payload = row.blobInPlace(6)
        streams.append(zigzag: stream &- last.stream)
        versions.append(varint: row.number(2))
        types.append(varint: type)
        schemas.append(varint: row.number(4))
        recordedAt.append(zigzag: moment &- last.recordedAt)
        lengths.append(varint: Int64(payload.count))
        payloads[type, default: []] += payload
        payloadBytes += payload.count
        last = (stream, moment)
        count += 1
        return true
    }

    /// Inserts the run into `event_run` and begins an empty one.
    mutating func flush(into target: Connection) throws(JobLogError) {
        guard count > 0 else { return }
        let insertion = try target.statement(
            "insert into event_run values (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        defer { insertion.reset() }
        insertion.bind(1, firstPosition)
        insertion.bind(2, Int64(count))
        let sorted = payloads.sorted { $0.key < $1.key }.flatMap(\.value)
        for (place, bytes) in [streams, versions, types, schemas, recordedAt, lengths, sorted]
            .enumerated()
        { insertion.bind(Int32(place + 3), blob: bytes) }
        _ = try insertion.step()
        self = EventColumns()
    }
}

/// Reads the events of a row of `event_run`, which may hold anything: the facts' digest says later
/// whether they are the right ones.
struct EventColumnsReader {
    private let events: [Event]
    private let payloads: [UInt8]
    private let firstPosition: Int64

    private struct Event {
        var stream: Int64
        var version: Int64
        var type: Int64
        var schema: Int64
        var recordedAt: Int64
        var start: Int
        var count: Int
    }

    /// Nil for bytes that are no run.
    init?(_ row: Statement) {
        firstPosition = row.number(0)
        let count = row.number(1)
        payloads = row.blob(8)
        var columns: [VarintReader] = (2..<8).map { VarintReader(row.blob($0)) }
        var events: [Event] = []
        var (stream, recordedAt): (Int64, Int64) = (0, 0)
        var bytesOfType: [Int64: Int] = [:]
        var all = 0
        guard (0...Int64(EventColumns.eventsMax)).contains(count), firstPosition >= 0 else {
            return nil
        }
        // Each event takes a byte of each column: no count is believed that has no bytes.
        guard count <= Int64(columns.map(\.count).min() ?? 0) else { return nil }
        events.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let streamStep = columns[0].nextZigzag(), let version = columns[1].next(),
                let type = columns[2].next(), let schema = columns[3].next(),
                let recordedStep = columns[4].nextZigzag(), let length = columns[5].next(),
                length >= 0, length <= Int64(payloads.count - all)
            else { return nil }
            stream &+= streamStep
            recordedAt &+= recordedStep
            // For now where it lies among those of its type.
            events.append(
                Event(
                    stream: stream, version: version, type: type, schema: schema,
                    recordedAt: recordedAt, start: bytesOfType[type, default: 0],
                    count: Int(length)))
            bytesOfType[type, default: 0] += Int(length)
            all += Int(length)
        }
        guard all == payloads.count, columns.allSatisfy(\.isAtEnd) else { return nil }
        var start = 0
        for (type, bytes) in bytesOfType.sorted(by: { $0.key < $1.key }) {
            bytesOfType[type] = start
            start += bytes
        }
        for place in events.indices {
            events[place].start += bytesOfType[events[place].type] ?? 0
        }
        self.events = events
    }

    /// Hands over each event's columns but the payload, in the order of `SegmentFacts`, and its
    /// payload.
    func forEach<Failure: Error>(
        _ body: ([Int64], ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        for (place, event) in events.enumerated() {
            try body(
                [
                    firstPosition &+ Int64(place), event.stream, event.version, event.type,
                    event.schema, event.recordedAt,
                ], payloads[event.start..<event.start + event.count])
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(varint value: Int64) {
        var left = UInt64(bitPattern: value)
        while left >= 0x80 {
            append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        append(UInt8(left))
    }

    fileprivate mutating func append(zigzag value: Int64) {
        append(varint: (value << 1) ^ (value >> 63))
    }
}

private struct VarintReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var count: Int { bytes.count }
    var isAtEnd: Bool { place == bytes.count }

    mutating func next() -> Int64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard place < bytes.count else { return nil }
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return Int64(bitPattern: value) }
        }
        return nil
    }

    mutating func nextZigzag() -> Int64? {
        next().map { value in
            Int64(bitPattern: UInt64(bitPattern: value) >> 1) ^ -(value & 1)
        }
    }
}
