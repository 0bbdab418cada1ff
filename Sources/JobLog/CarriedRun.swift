/// Streams side by side that have reached the same version.
enum CarriedRun {
    /// Hands over the versions that the streams of `run` have reached at the end of a segment, as
    /// runs in order; those that the segment knows nothing of are left out.
    static func forEach(
        in run: ClosedRange<Int64>, of segment: Connection,
        _ body: (ClosedRange<Int64>, Int64) throws -> Void
    ) throws {
        var open: (run: ClosedRange<Int64>, version: Int64)?
        func add(_ more: ClosedRange<Int64>, _ version: Int64) throws {
            if let known = open, known.version == version,
                known.run.upperBound + 1 == more.lowerBound
            {
                open = (known.run.lowerBound...more.upperBound, version)
                return
            }
            if let known = open { try body(known.run, known.version) }
            open = (more, version)
        }
        /// Of streams without events in the segment, what it was given itself.
        func addCarried(_ first: Int64, _ last: Int64) throws {
            guard first <= last else { return }
            let query = try segment.statement(
                """
                select first_stream, last_stream, version from carried
                where first_stream <= ?2 and last_stream >= ?1 and first_stream >= coalesce(
                    (select max(first_stream) from carried where first_stream <= ?1), 0)
                order by first_stream
                """)
            defer { query.reset() }
            query.bind(1, first)
            query.bind(2, last)
            while try query.step() {
                try add(max(first, query.number(0))...min(last, query.number(1)), query.number(2))
            }
        }
        let query = try segment.statement(
            """
            select stream, max(version) from event where stream between ? and ?
            group by stream order by stream
            """)
        defer { query.reset() }
        query.bind(1, run.lowerBound)
        query.bind(2, run.upperBound)
        var next = run.lowerBound
        while try query.step() {
            let stream = query.number(0)
            try addCarried(next, stream - 1)
            try add(stream...stream, query.number(1))
            next = stream + 1
        }
        try addCarried(next, run.upperBound)
        if let known = open { try body(known.run, known.version) }
    }
}
