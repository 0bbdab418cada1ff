/// Reads the log across its segments.
///
///     at the newest ──its seal is seen──▶ at its end ──a successor is there──▶ at the newest
///
/// Invariants: `newest` was the newest segment when last looked; what lies in a segment that is
/// archived or dropped is passed over; what is read here the companion has open too, so that the
/// symbols of an event are there even if its segment is archived in the meantime. Not thread-safe.
final class SegmentReader {
    private let folder: String
    private let storage: Storage
    private let isReadOnly: Bool
    private(set) var newest: Segment
    private let earlier: EarlierSegments
    /// The reader with which symbols are looked up.
    private let companion: Guarded<SegmentReader>?
    /// Whether `newest` was seen to be sealed. It does not change any more; what comes next is
    /// another file.
    private(set) var isAtEnd = false

    init(
        _ newest: Segment, folder: String, storage: Storage, isReadOnly: Bool,
        companion: Guarded<SegmentReader>? = nil
    ) {
        self.newest = newest
        self.folder = folder
        self.storage = storage
        self.isReadOnly = isReadOnly
        self.companion = companion
        earlier = EarlierSegments(folder: folder, storage: storage)
    }

    /// Goes on to the newest segment; returns whether that is another one than before.
    ///
    /// Those between the two may be archived, and are read, where they are not, as all earlier
    /// ones are.
    @discardableResult
    func moveOn() throws(JobLogError) -> Bool {
        var hasMoved = false
        while true {
            if !isAtEnd {
                guard try newest.seal() != nil else { return hasMoved }
                isAtEnd = true
            }
            guard let number = SegmentFile.newest(in: folder, storage), number > newest.number
            else { return hasMoved }
            if try goOn(to: number) { hasMoved = true }
        }
    }

    /// False when the segment was sealed and archived in this very moment.
    private func goOn(to number: Int64) throws(JobLogError) -> Bool {
        let file = SegmentFile.path(number, in: folder)
        let next: Segment
        do throws(JobLogError) {
            next = try Segment(SegmentFile.open(file, isReadOnly: isReadOnly, storage))
        } catch {
            if storage.exists(file) { throw error }
            return false
        }
        guard try companionHas(number) else { return false }
        try SegmentFile.syncFound(file, storage)
        earlier.take(newest)
        newest = next
        isAtEnd = false
        return true
    }

    private func companionHas(_ number: Int64) throws(JobLogError) -> Bool {
        guard let companion else { return true }
        return try companion.with { reader throws(JobLogError) in try reader.join(number) }
    }

    /// Opens a segment that somebody else reads; false when its file is not there any more.
    private func join(_ number: Int64) throws(JobLogError) -> Bool {
        if newest.number == number { return true }
        if number > newest.number { return try goOn(to: number) }
        return try earlier.segment(number) != nil
    }

    /// All segments before the newest, whether their files are there or not.
    func earlierEntries() throws(JobLogError) -> [EarlierSegments.Entry] {
        try earlier.entries(newest: newest.connection)
    }

    /// Whether the segment of the entry can be read.
    func isThere(_ entry: EarlierSegments.Entry) -> Bool { earlier.isThere(entry.number) }

    /// Reads an archived segment from where it was expanded to, until some others are lent; nil
    /// ends all lending.
    func lend(_ file: String?) throws(JobLogError) {
        try companion?.with { reader throws(JobLogError) in try reader.lend(file) }
        try earlier.lend(file)
    }

    /// The segment of the entry; nil when it is archived or dropped.
    func segment(_ entry: EarlierSegments.Entry) throws(JobLogError) -> Segment? {
        guard let segment = try earlier.segment(entry.number) else { return nil }
        return try companionHas(entry.number) ? segment : nil
    }

    /// The live segments in order; those in which the stream may have events, if one is given.
    func segments(of stream: Int64? = nil) throws(JobLogError) -> [Segment] {
        var segments = [newest]
        if let stream, stream > newest.base.stream { return segments }
        for entry in try earlierEntries().reversed() {
            if let segment = try segment(entry) { segments.append(segment) }
            if let stream, stream > entry.base.stream { break }
        }
        return segments.reversed()
    }

    /// The live segment in which the stream began; nil when that is archived or dropped.
    func birthplace(of stream: Int64) throws(JobLogError) -> Segment? {
        if stream > newest.base.stream { return newest }
        let entry = try earlierEntries().last { $0.base.stream < stream }
        guard let entry else { return nil }
        return try segment(entry)
    }

    /// The live segment that holds the symbol; nil when that is archived or dropped.
    func holder(ofSymbol number: Int64) throws(JobLogError) -> Segment? {
        if number > newest.base.symbol { return newest }
        let entry = try earlierEntries().last { $0.base.symbol < number }
        guard let entry else { return nil }
        return try segment(entry)
    }

    /// The live segment with the first event after the position, and where it ends.
    private func segment(
        after position: Int64
    ) throws(JobLogError) -> (segment: Segment, end: Int64?) {
        guard position < newest.base.position else { return (newest, nil) }
        for entry in try earlierEntries() where entry.end.position > position {
            if let segment = try segment(entry) { return (segment, entry.end.position) }
        }
        return (newest, nil)
    }

    /// The bytes with the digest, from the newest live segment that holds them.
    func content(_ digest: [UInt8]) throws(JobLogError) -> [UInt8]? {
        for segment in try segments().reversed() {
            if let bytes = try segment.connection.content(digest) { return bytes }
        }
        return nil
    }

    /// Hands over each event after one position and up to another, in order, `limit` at most.
    func forEach(
        after start: Int64, through last: Int64 = .max, limit: Int = .max,
        _ body: (EventRow) throws -> Void
    ) throws -> Int {
        var position = start
        var count = 0
        while count < limit, position < last {
            let (segment, end) = try segment(after: position)
            position = max(position, segment.base.position)
            // Positions have no gaps within a segment.
            let room = last == .max ? .max : Int(max(0, last - position))
            let wanted = min(limit - count, room)
            let read = try Self.forEach(segment.connection, after: position, limit: wanted) {
                position = $0.position
                try body($0)
            }
            count += read
            guard read < wanted else { continue }
            if let end {
                position = max(position, end)
            } else if try !moveOn() {
                break
            }
        }
        return count
    }

    static func forEach(
        _ connection: Connection, after position: Int64, limit: Int,
        _ body: (EventRow) throws -> Void
    ) throws -> Int {
        let query = try connection.statement(
            "select \(JobLog.columns) from event where position > ? order by position limit ?")
        defer { query.reset() }
        query.bind(1, position)
        query.bind(2, Int64(limit))
        var count = 0
        while try query.step() {
            try query.withEventRow(body)
            count += 1
        }
        return count
    }
}
