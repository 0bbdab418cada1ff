/// The result of reading everything again.
public struct LogCheck: Hashable, Sendable {
    public var events: Int64
    /// What is wrong, the earliest first; empty for a good log.
    public var faults: [String]

    public init(events: Int64, faults: [String]) {
        self.events = events
        self.faults = faults
    }
}

extension JobLog {
    /// Reads everything again: the files' structure, positions, versions and moments, and how
    /// the segments join. What is archived or dropped is left out.
    public func verify() throws(JobLogError) -> LogCheck {
        try readingAll { reader in
            try reader.moveOn()
            var check = SegmentCheck(rolling: options.rolling)
            for entry in try reader.earlierEntries() {
                guard let segment = try reader.segment(entry) else { continue }
                try check.check(segment)
                try check.digest(segment, reader.newest.connection)
                try check.join(segment, entry)
            }
            try check.check(reader.newest)
            return LogCheck(events: check.events, faults: check.faults)
        }
    }
}

/// Looks at one segment after the other, in their order.
private struct SegmentCheck {
    let rolling: Rolling?
    var events: Int64 = 0
    var faults: [String] = []
    private var versions: [Int64: Int64] = [:]
    /// The last event of the segment looked at before; nil when there was none.
    private var previous: Int64?
    private var moment = Int64.min
    /// Whether all events from the first on were looked at.
    private var isWhole = true

    private static let faultsMax = 20

    init(rolling: Rolling?) { self.rolling = rolling }

    mutating func check(_ segment: Segment) throws {
        guard faults.count < Self.faultsMax else { return }
        let integrity = try segment.connection.statement("pragma integrity_check(5)")
        let before = faults.count
        while try integrity.step() {
            let line = integrity.text(0)
            if line != "ok" { fault(segment, line) }
        }
        integrity.reset()
        guard faults.count == before else { return }
        if segment.base.position != previous ?? 0 { isWhole = false }
        if let previous, previous > segment.base.position {
            fault(segment, "begins before the segment before it ends")
        }
        try takeCarried(segment)
        try checkEvents(segment)
    }

    /// The segment ends where it says, and the next one begins there.
    mutating func join(_ segment: Segment, _ entry: EarlierSegments.Entry) throws {
        guard let seal = try segment.seal() else {
            return fault(segment, "is not the newest, and has no seal")
        }
        guard try segment.end().base == entry.end, seal == entry.end.position,
            segment.base == entry.base
        else { return fault(segment, "the next segment does not begin where this one ends") }
    }

    /// The facts are those whose digest was recorded after the segment was sealed.
    mutating func digest(_ segment: Segment, _ newest: Connection) throws {
        guard let rolling, faults.count < Self.faultsMax else { return }
        let query = try newest.statement("select digest from earlier_digest where number = ?")
        defer { query.reset() }
        query.bind(1, segment.number)
        guard try query.step() else { return }
        if try SegmentFacts(connection: segment.connection).digest(rolling).digest
            != query.blob(0)
        {
            fault(segment, "this is not what was sealed")
        }
    }

    /// Versions that streams bring with them agree with the segments before.
    private mutating func takeCarried(_ segment: Segment) throws {
        let query = try segment.connection.statement(
            "select first_stream, last_stream, version from carried order by first_stream")
        defer { query.reset() }
        while try query.step(), faults.count < Self.faultsMax {
            let version = query.number(2)
            for stream in query.number(0)...query.number(1) {
                let known = versions.updateValue(version, forKey: stream)
                if isWhole ? known != version : (known ?? 0) > version {
                    fault(
                        segment,
                        "stream \(stream) has version \(known ?? 0) in the segments"
                            + " before, carried is \(version)")
                }
            }
        }
    }

    private mutating func checkEvents(_ segment: Segment) throws {
        var last = segment.base.position
        let types = try Self.types(segment.connection)
        let query = try segment.connection.statement(
            "select position, stream, version, type, recorded_at from event order by position")
        defer { query.reset() }
        while try query.step(), faults.count < Self.faultsMax {
            let (position, stream, version) = (query.number(0), query.number(1), query.number(2))
            events += 1
            if position != last + 1 {
                faults.append("position \(last + 1) is missing: a gap before event \(position)")
            }
            let expected = (versions[stream] ?? 0) + 1
            if version != expected {
                faults.append(
                    "event \(position): stream \(stream) has version \(version), expected"
                        + " \(expected): a gap")
            }
            if !types.contains(query.number(3)) {
                faults.append("event \(position): type \(query.number(3)) is not registered")
            }
            if query.number(4) < moment {
                faults.append("event \(position): recorded before the event before it")
            }
            versions[stream] = version
            last = position
            moment = query.number(4)
        }
        previous = last
    }

    private static func types(_ connection: Connection) throws -> Set<Int64> {
        let query = try connection.statement("select id from event_type")
        defer { query.reset() }
        var types: Set<Int64> = []
        while try query.step() { types.insert(query.number(0)) }
        return types
    }

    private mutating func fault(_ segment: Segment, _ text: String) {
        faults.append("\(SegmentFile.name(segment.number)): \(text)")
    }
}
