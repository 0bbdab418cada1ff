/// The events after a position, read one by one without copying them.
public struct EventReader {
    /// Symbols by number that were recorded in this transaction and can be asked of no other
    /// reader: they may yet be taken back, and their numbers be given to others.
    public let newSymbols: [Int64: [UInt8]]
    /// What the transaction has written itself.
    private let written: [RowBatch]
    /// Hands over what was committed before the transaction.
    private let committed: (_ limit: Int, _ body: (EventRow) throws -> Void) throws -> Int

    init(
        newSymbols: [Int64: [UInt8]], written: [RowBatch],
        committed: @escaping (_ limit: Int, _ body: (EventRow) throws -> Void) throws -> Int
    ) {
        self.newSymbols = newSymbols
        self.written = written
        self.committed = committed
    }

    /// Hands over each event, in order, `limit` at most; the payload is valid within the call.
    ///
    /// Returns how many there were. Not to be used after the call that handed the reader over.
    @discardableResult
    public func forEach(
        limit: Int = .max, _ body: (EventRow) throws -> Void
    ) throws -> Int {
        let before = try committed(limit, body)
        return try before + written.forEachRow(after: 0, limit: limit - before, body)
    }
}

/// An event as it lies in the database.
public struct EventRow {
    public let position: Int64
    public let stream: Int64
    public let version: Int64
    public let type: Int32
    public let schema: Int32
    /// Microseconds since 1970.
    public let recordedAt: Int64
    public let payload: UnsafeRawBufferPointer

    public init(
        position: Int64, stream: Int64, version: Int64, type: Int32, schema: Int32,
        recordedAt: Int64, payload: UnsafeRawBufferPointer
    ) {
        self.position = position
        self.stream = stream
        self.version = version
        self.type = type
        self.schema = schema
        self.recordedAt = recordedAt
        self.payload = payload
    }

    /// A copy that outlives the call.
    public var recorded: RecordedEvent {
        RecordedEvent(
            position: position, stream: stream, version: version, type: type, schema: schema,
            recordedAt: recordedAt, payload: Array(payload))
    }
}

extension RecordedEvent {
    /// Calls the body with the event as it would lie in the database.
    public func withRow<T>(_ body: (EventRow) throws -> T) rethrows -> T {
        try payload.withUnsafeBytes { payload in
            try body(
                EventRow(
                    position: position, stream: stream, version: version, type: type,
                    schema: schema, recordedAt: recordedAt, payload: payload))
        }
    }
}

extension Statement {
    /// Columns position, stream, version, type, schema, recorded_at, payload.
    func withEventRow(_ body: (EventRow) throws -> Void) throws {
        try body(
            EventRow(
                position: number(0), stream: number(1), version: number(2),
                type: Int32(truncatingIfNeeded: number(3)),
                schema: Int32(truncatingIfNeeded: number(4)), recordedAt: number(5),
                payload: blobInPlace(6)))
    }
}
