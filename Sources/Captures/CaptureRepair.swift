/// What became of a file that was torn.
public enum CaptureRepair: Hashable, Sendable {
    /// Its end was no whole frame: it was cut back.
    case cut(path: String, from: Int64, to: Int64)
    /// What is damaged was promised by the log: it was left as it is.
    case left(path: String, at: Int64)

    /// How much of a file's end is read again: what may be torn, and more.
    private static let checkedBytes: Int64 = 2 * CaptureWriter.unsyncedMax

    /// Cuts a file back to its last whole frame. Gives where it ends then; no end for one that is
    /// damaged where the log speaks of it. Whoever calls has the file's lock.
    static func repair(
        _ file: CaptureFile, _ index: any CaptureIndex
    ) throws -> (end: Int64?, repair: CaptureRepair?) {
        let bytes = try file.count()
        var walk = try FrameWalk(file, bytes)
        let whole = try walk.wholeEnd(checkedFrom: bytes - checkedBytes)
        guard whole < bytes else { return (bytes, nil) }
        guard try index.promisedEnd(ofFile: file.number) <= whole else {
            return (nil, .left(path: file.path, at: whole))
        }
        try file.cut(to: whole)
        try file.sync()
        return (whole, .cut(path: file.path, from: bytes, to: whole))
    }
}

/// What the log knows of the files of an archive.
public protocol CaptureIndex {
    /// Up to which byte of a file the log speaks of captures; asked only of one that is torn.
    func promisedEnd(ofFile file: Int64) throws -> Int64
    /// Whether a file must not be added to: a copy of it lies elsewhere.
    func isClosed(_ file: Int64) throws -> Bool
    /// The highest number that a file had which may not be here any more; 0 for none.
    func highestFile() throws -> Int64
}
