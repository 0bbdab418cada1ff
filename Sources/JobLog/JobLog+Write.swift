/// The writer of the open segment; replaced when the log goes on in another one.
///
///     writing ──the segment is found sealed──▶ its successor is opened, or made ──▶ writing
///
/// Invariant: what is written to is the segment that was newest when its last transaction began.
final class WriterPlace {
    /// Nil in a log that is only read.
    var writer: SegmentWriter?

    init(_ writer: SegmentWriter?) { self.writer = writer }
}

extension JobLog {
    /// Runs the body in a write transaction on the open segment.
    func writing<T>(_ body: (inout Transaction) throws -> T) throws -> T {
        try onOpenSegment { try $0.transaction(time, symbols, body) }
    }

    /// The same for what may be lost with the power, as a renewal of a lease may: what others
    /// commit later is synced with all that came before it, so nothing is left with a hole.
    func writingUnsynced<T>(_ body: (inout Transaction) throws -> T) throws -> T {
        guard options.durability == .full else { return try writing(body) }
        return try onOpenSegment { try $0.unsyncedTransaction(time, symbols, body) }
    }

    func onOpenSegment<T>(_ write: (SegmentWriter) throws -> T) throws -> T {
        try writer.with { place in
            while true {
                do {
                    return try write(current(place))
                } catch let error as JobLogError where error.code == .sealed {
                    // Nothing has been written: that is looked at first.
                    try moveOn(place)
                }
            }
        }
    }

    func current(_ place: WriterPlace) throws(JobLogError) -> SegmentWriter {
        if let writer = place.writer { return writer }
        throw JobLogError(.readOnly, "\(folder): the log was opened for reading only")
    }

    /// Goes on in the newest segment, since the writer's is sealed; makes it if that is the newest.
    ///
    /// Those between the two may be archived. The newest never is.
    func moveOn(_ place: WriterPlace) throws {
        let sealed = try current(place).number
        // Also waits for somebody else who is making it, until its name is durable.
        let unlock = try options.storage.lockFolder(folder, false)
        defer { unlock() }
        var newest = SegmentFile.newest(in: folder, options.storage) ?? sealed
        if newest <= sealed {
            guard let rolling = options.rolling else {
                throw JobLogError(
                    .sealed, "\(folder): the newest segment is sealed",
                    remedy: "open the log with what it needs to go on in another")
            }
            try Succession(after: sealed, folder: folder, options: options, rolling: rolling)
                .make()
            newest = sealed + 1
        } else {
            // Who made it may have died before that.
            try options.storage.syncFolder(folder)
        }
        recent.forget()
        place.writer = try Self.writer(folder, newest, options, recent)
    }
}
