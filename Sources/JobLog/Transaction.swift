/// What is written between a `begin` and its `commit`.
///
/// A request is judged before anything of it is written, so that one that is refused leaves no
/// trace and the others of the same transaction stand.
struct Transaction {
    let connection: Connection
    let recordedAt: Int64
    /// Where the log ended when the transaction began.
    let startPosition: Int64
    let base: Segment.Base
    private let earlier: EarlierSegments
    var known: SegmentWriter.Known
    var rows: RowWriter
    private var hasForgotten = false
    /// Those of the draft at hand.
    private var numbers: [Int64] = []
    /// Numbers given in this transaction, which count from its commit on.
    private var numbered: [ObjectIdentifier: (symbol: Symbol, number: Int64)] = [:]
    /// Those that nobody had recorded before.
    private(set) var newSymbols: [Int64: [UInt8]] = [:]

    /// The largest payload, in bytes; SQLite's own bound is 1,000,000,000.
    static let payloadBytesMax = 512 << 20

    init(
        connection: Connection, inserter: RowInserter, known: SegmentWriter.Known,
        base: Segment.Base, earlier: EarlierSegments, recordedAt: Int64
    ) {
        self.connection = connection
        self.known = known
        startPosition = known.lastPosition
        self.base = base
        self.earlier = earlier
        self.recordedAt = recordedAt
        rows = RowWriter(inserter, recordedAt: recordedAt)
    }

    /// Writes a request that was judged in this transaction with nothing written since.
    ///
    /// An error leaves the transaction half written: it must not be committed.
    mutating func write(_ request: AppendRequest) throws(JobLogError) -> Appended {
        for content in request.contents { try write(content) }
        for name in request.releasedNames {
            try connection.run(
                "delete from name where family = ? and name = ?", .text(name.family),
                .text(name.name ?? ""))
        }
        let firstStream = known.lastStream + 1
        for stream in request.newStreams { try begin(stream) }
        let firstPosition = known.lastPosition + 1
        for draft in request.drafts { try write(draft, firstStream: firstStream) }
        known.lastRecordedAt = request.drafts.isEmpty ? known.lastRecordedAt : recordedAt
        return Appended(
            positions: NumberRun(start: firstPosition, count: request.drafts.count),
            streams: NumberRun(start: firstStream, count: request.newStreams.count),
            recordedAt: recordedAt)
    }

    /// Judges the request and writes it.
    @discardableResult
    mutating func record(_ request: AppendRequest) throws(JobLogError) -> Appended {
        try judge(request)
        return try write(request)
    }

    /// Makes known what the commit has given.
    func settleSymbols(in symbols: SymbolCache) {
        if !numbered.isEmpty { symbols.keep(numbered.values) }
    }

    // MARK: judging

    /// Throws why the request cannot be recorded. Writes nothing, but for what is so anyhow: the
    /// versions that streams of earlier segments have.
    mutating func judge(_ request: AppendRequest) throws(JobLogError) {
        try judgeNames(request)
        var expected: [StreamRef: Int64] = [:]
        let asks = request.drafts.contains { $0.expectedVersion != nil }
        for draft in request.drafts {
            guard draft.payload.count <= Self.payloadBytesMax else {
                throw JobLogError(
                    .refused, "an event of \(draft.payload.count) bytes is too large",
                    remedy: "at most \(Self.payloadBytesMax) are taken")
            }
            switch draft.stream {
            case .existing(let stream):
                guard stream > 0, stream <= known.lastStream else {
                    throw JobLogError(
                        .refused, "an event names stream \(stream), which is not there")
                }
                // Whether an archived segment would have to be asked is known before anything
                // is written.
                if stream <= base.stream { _ = try version(of: stream) }
            case .new(let index):
                guard request.newStreams.indices.contains(index) else {
                    throw JobLogError(
                        .refused, "an event names new stream \(index), which is not there")
                }
            }
            if asks { try judgeVersion(of: draft, &expected) }
        }
    }

    private mutating func judgeVersion(
        of draft: Draft, _ versions: inout [StreamRef: Int64]
    ) throws(JobLogError) {
        var version = versions[draft.stream]
        if version == nil {
            switch draft.stream {
            case .existing(let stream): version = try self.version(of: stream)
            case .new: version = 0
            }
        }
        let before = version ?? 0
        if let wanted = draft.expectedVersion, wanted != before {
            throw JobLogError(
                .versionConflict, "\(draft.stream) is at version \(before), expected \(wanted)",
                remedy: "read it again and decide anew")
        }
        versions[draft.stream] = before + 1
    }

    private func judgeNames(_ request: AppendRequest) throws(JobLogError) {
        var taken: Set<NewStream> = []
        for stream in request.newStreams {
            guard let name = stream.name else { continue }
            var holder: Int64?
            if !request.releasedNames.contains(stream) {
                holder = try connection.number(
                    "select stream from name where family = ? and name = ?", .text(stream.family),
                    .text(name))
            }
            if holder != nil || !taken.insert(stream).inserted {
                throw JobLogError(
                    .nameTaken, "\(stream.family) \"\(name)\" exists already",
                    remedy: "choose another name, or delete it first")
            }
        }
    }

    // MARK: writing

    private func write(_ content: Content) throws(JobLogError) {
        let held = try connection.number(
            "select 1 from content where digest = ?", .blob(content.digest))
        guard held == nil else { return }
        try connection.run(
            "insert into content (digest, bytes) values (?, ?)", .blob(content.digest),
            .blob(content.bytes))
    }

    private mutating func begin(_ stream: NewStream) throws(JobLogError) {
        known.lastStream += 1
        guard let name = stream.name else { return }
        try connection.run(
            "insert into name (family, name, stream) values (?, ?, ?)", .text(stream.family),
            .text(name), .number(known.lastStream))
    }

    private mutating func write(_ draft: Draft, firstStream: Int64) throws(JobLogError) {
        let stream: Int64
        let version: Int64
        switch draft.stream {
        case .existing(let number):
            stream = number
            version = try self.version(of: number) + 1
        case .new(let index):
            stream = firstStream + Int64(index)
            if known.versions[stream] != nil || hasForgotten {
                version = try self.version(of: stream) + 1
            } else {
                version = 1
            }
        }
        known.lastPosition += 1
        if known.versions.count >= SegmentWriter.Known.versionsMax {
            // What is forgotten is asked of the database, which must have it then.
            try rows.flush()
            known.versions.removeAll()
            hasForgotten = true
        }
        known.versions.put(version, at: stream)
        numbers.removeAll(keepingCapacity: true)
        for symbol in draft.symbols { numbers.append(try number(of: symbol)) }
        try rows.add(
            position: known.lastPosition, stream: stream, version: version, draft: draft,
            symbols: numbers)
        if draft.isCheckpoint {
            try connection.run(
                "insert into checkpoint (position) values (?)", .number(known.lastPosition))
        }
    }

    /// The version that a stream has reached; 0 for one that has no events.
    private mutating func version(of stream: Int64) throws(JobLogError) -> Int64 {
        if let version = known.versions[stream] { return version }
        var version = try connection.version(of: stream)
        if version == nil, stream <= base.stream {
            version = try earlier.version(of: stream, newest: connection)
            if let version { try carry(stream...stream, version: version) }
        }
        known.versions.put(version ?? 0, at: stream)
        return version ?? 0
    }

    /// Notes the version that streams of earlier segments have; they have no events in this one.
    func carry(_ streams: ClosedRange<Int64>, version: Int64) throws(JobLogError) {
        try connection.run(
            "insert into carried (first_stream, last_stream, version) values (?, ?, ?)",
            .number(streams.lowerBound), .number(streams.upperBound), .number(version))
    }

    private mutating func number(of symbol: Symbol?) throws(JobLogError) -> Int64 {
        guard let symbol else { return 0 }
        let settled = symbol.number
        if settled > base.symbol { return settled }
        if let given = numbered[ObjectIdentifier(symbol)] { return given.number }
        var number = try connection.number(
            "select number from symbol where bytes = ?", .blob(symbol.bytes))
        if number == nil {
            known.lastSymbol += 1
            number = known.lastSymbol
            newSymbols[known.lastSymbol] = symbol.bytes
            try connection.run(
                "insert into symbol (number, bytes) values (?, ?)", .number(known.lastSymbol),
                .blob(symbol.bytes))
        }
        numbered[ObjectIdentifier(symbol)] = (symbol, number ?? 0)
        return number ?? 0
    }
}
