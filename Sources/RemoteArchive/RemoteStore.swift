/// A file in a store.
public struct RemoteFile: Hashable, Sendable {
    public var name: String
    public var bytes: Int64
    /// What the server says of the content, to tell it from other content; nil where it says
    /// nothing.
    public var checksum: RemoteChecksum?

    public init(name: String, bytes: Int64, checksum: RemoteChecksum? = nil) {
        self.name = name
        self.bytes = bytes
        self.checksum = checksum
    }
}

public enum RemoteChecksum: Hashable, Sendable {
    case sha256([UInt8])
    /// The SHA-256 of the SHA-256 of so many parts.
    case sha256OfParts([UInt8], parts: Int)
}

/// What a put did.
public enum PutOutcome: Hashable, Sendable {
    case sent(RemoteFile)
    /// The same content lay there; nothing was sent.
    case alreadyThere(RemoteFile)
}

public enum RemoteComparison: Hashable, Sendable {
    case absent
    case same(RemoteFile)
    case different(RemoteFile)
}

/// Follows a transfer. Both are called on the thread that called the store, often.
public struct TransferWatch {
    /// Bytes that are there, of how many. Never less than before within a put.
    public var progress: (_ done: Int64, _ total: Int64) -> Void
    /// Once it is true the call ends with `cancelled`, within about a second.
    public var isCancelled: () -> Bool

    public init(
        progress: @escaping (Int64, Int64) -> Void = { _, _ in },
        isCancelled: @escaping () -> Bool = { false }
    ) {
        self.progress = progress
        self.isCancelled = isCancelled
    }
}

/// Files under names, in a bucket or on another machine.
///
/// Calls block until all is done, waits between attempts included: they are not for the threads
/// that run tasks. A store keeps its connection and belongs to one thread at a time; whoever
/// wants several transfers at once makes several stores. Names are those that `RemoteName` takes.
/// Whatever fails throws `RemoteError`.
public protocol RemoteStore: AnyObject {
    var location: RemoteLocation { get }

    /// The files there, by name; others that lie there are passed over. A place that is not there
    /// has none.
    func list(_ watch: TransferWatch) throws -> [RemoteFile]

    /// Nil when nothing lies under the name.
    func file(_ name: String, _ watch: TransferWatch) throws -> RemoteFile?

    /// Sends a file, whole or from where an earlier put was interrupted.
    ///
    /// The name is only there once all of the content is. The same content under it already:
    /// nothing is sent. Other content: `conflict`, and what lies there stays. A local file that
    /// changes, grows or vanishes meanwhile: `localChanged`. One put at a time for a name, of all
    /// processes.
    func put(_ path: String, as name: String, _ watch: TransferWatch) throws -> PutOutcome

    /// Whether the content is that of the local file, to the byte: by the checksums that the server
    /// keeps, or else by reading it.
    func compare(_ path: String, with name: String, _ watch: TransferWatch) throws
        -> RemoteComparison

    /// Gives so many bytes from the offset on, in order, each once, however often the connection
    /// breaks. A range that does not lie within the file is refused.
    func read(
        _ name: String, from offset: Int64, count: Int64, _ watch: TransferWatch,
        into sink: (UnsafeRawBufferPointer) throws -> Void) throws

    /// Absent ones are deleted already.
    func delete(_ name: String, _ watch: TransferWatch) throws
}

extension RemoteStore {
    /// The bytes of the range, in memory: up to 64 MiB.
    public func bytes(
        of name: String, from offset: Int64, count: Int, _ watch: TransferWatch = TransferWatch()
    ) throws -> [UInt8] {
        guard (0...(64 << 20)).contains(count) else {
            throw RemoteError(.refused, "\(count) bytes are not read into memory at once")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        try read(name, from: offset, count: Int64(count), watch) { bytes += $0 }
        return bytes
    }
}
