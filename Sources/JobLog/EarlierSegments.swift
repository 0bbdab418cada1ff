/// The segments before the newest, opened when they are first needed.
///
///     listed in the newest ──needed, file is there──▶ open ──others needed since──▶ closed
///
/// The newest segment lists them all, so that finding the right one opens no other. One whose file
/// is archived or dropped is passed over. Not thread-safe.
final class EarlierSegments {
    struct Entry: Hashable {
        var number: Int64
        var createdAt: Int64
        var sealedAt: Int64
        var base: Segment.Base
        /// Where the segment ended.
        var end: Segment.Base
    }

    private let folder: String
    private let storage: Storage
    private var known: [Entry]?
    /// The one that was used last stands last.
    private var opened: [Segment] = []
    /// Those that are archived and lie somewhere else for a while, for this reader alone.
    private var lent: [Segment] = []

    private static let openedMax = 8
    private static let lentMax = 3

    init(folder: String, storage: Storage) {
        self.folder = folder
        self.storage = storage
    }

    /// Takes in that the newest segment has a successor.
    func take(_ segment: Segment) {
        known = nil
        keep(segment)
    }

    /// All segments before the newest, whether their files are there or not, in order.
    func entries(newest: Connection) throws(JobLogError) -> [Entry] {
        if let known { return known }
        var entries: [Entry] = []
        let query = try newest.statement(
            """
            select number, created_at, sealed_at, base_position, base_stream, base_symbol
            from earlier_segment order by number
            """)
        defer { query.reset() }
        while try query.step() {
            let base = Segment.Base(
                position: query.number(3), stream: query.number(4), symbol: query.number(5))
            if let last = entries.indices.last { entries[last].end = base }
            entries.append(
                Entry(
                    number: query.number(0), createdAt: query.number(1), sealedAt: query.number(2),
                    base: base, end: base))
        }
        if let last = entries.indices.last { entries[last].end = try Segment(newest).base }
        known = entries
        return entries
    }

    /// Reads a segment from another file too, in place of the one lent longest ago when there are
    /// too many; nil ends all lending.
    func lend(_ file: String?) throws(JobLogError) {
        guard let file else { return lent = [] }
        lent.append(try Segment(SegmentFile.openSealed(file, storage)))
        if lent.count > Self.lentMax { lent.removeFirst() }
    }

    func isThere(_ number: Int64) -> Bool {
        lent.contains { $0.number == number }
            || storage.exists(SegmentFile.path(number, in: folder))
    }

    /// The segment with the number; nil when its file is not there.
    func segment(_ number: Int64) throws(JobLogError) -> Segment? {
        if let known = lent.first(where: { $0.number == number }) { return known }
        if let place = opened.firstIndex(where: { $0.number == number }) {
            opened.append(opened.remove(at: place))
            return opened.last
        }
        let file = SegmentFile.path(number, in: folder)
        guard storage.exists(file) else { return nil }
        do throws(JobLogError) {
            let segment = try Segment(SegmentFile.openSealed(file, storage))
            keep(segment)
            return segment
        } catch {
            // It may have been archived in this very moment.
            if storage.exists(file) { throw error }
            return nil
        }
    }

    private func keep(_ segment: Segment) {
        opened.append(segment)
        if opened.count > Self.openedMax { opened.removeFirst() }
    }

    /// The version that the stream reached before the newest segment; nil when it has no events.
    ///
    /// Throws `archived` when only a segment that is not there could tell.
    func version(
        of stream: Int64, newest: Connection
    ) throws(JobLogError) -> Int64? {
        for entry in try entries(newest: newest).reversed() where stream <= entry.end.stream {
            guard let segment = try segment(entry.number) else {
                throw Self.archived(stream, entry, folder)
            }
            if let version = try segment.version(of: stream) { return version }
        }
        return nil
    }

    static func archived(_ stream: Int64, _ entry: Entry, _ folder: String) -> JobLogError {
        JobLogError(
            .archived,
            "\(folder): stream \(stream) is in an archived segment"
                + " (\(SegmentFile.name(entry.number)))",
            remedy: "restore it first with `tracectl log restore \(entry.number)`")
    }
}
