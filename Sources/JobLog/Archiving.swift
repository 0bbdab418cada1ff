/// How sealed segments are compressed, and what the log says of what became of them.
///
/// The log knows neither a compression nor what its events mean; see `Rolling`.
public struct Archiving: Sendable {
    /// Gives the next piece of some bytes; nil at their end, and from then on.
    public typealias Source = () throws -> [UInt8]?

    /// The compressed form of so many bytes.
    public var compress: @Sendable (_ bytes: Int64, @escaping Source) throws -> Source
    /// What was compressed; throws at what is not.
    public var expand: @Sendable (@escaping Source) throws -> Source
    public var archived: @Sendable (ArchivedSegment) throws -> Draft
    public var restored: @Sendable (_ segment: Int64) throws -> Draft
    public var dropped: @Sendable (_ segment: Int64) throws -> Draft

    public init(
        compress: @escaping @Sendable (Int64, @escaping Source) throws -> Source,
        expand: @escaping @Sendable (@escaping Source) throws -> Source,
        archived: @escaping @Sendable (ArchivedSegment) throws -> Draft,
        restored: @escaping @Sendable (Int64) throws -> Draft,
        dropped: @escaping @Sendable (Int64) throws -> Draft
    ) {
        self.compress = compress
        self.expand = expand
        self.archived = archived
        self.restored = restored
        self.dropped = dropped
    }
}

/// A segment as a compressed file.
public struct ArchivedSegment: Hashable, Sendable {
    public var segment: Int64
    /// Of the segment's file.
    public var bytes: Int64
    public var archivedBytes: Int64
    /// Of what the archive expands to.
    public var digest: [UInt8]
    /// Where the archive is; empty when it is in the log's folder.
    public var folder: String

    public init(
        segment: Int64, bytes: Int64, archivedBytes: Int64, digest: [UInt8], folder: String
    ) {
        self.segment = segment
        self.bytes = bytes
        self.archivedBytes = archivedBytes
        self.digest = digest
        self.folder = folder
    }
}
