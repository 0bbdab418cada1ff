import Scheduler

/// What became of archived captures, as events of the log itself: the traces they are of may lie in
/// segments that were put away.
public enum CapturesEvent: Hashable, Sendable {
    case exported(CapturesExported)
    case pruned(CapturesPruned)
    case filePushed(CaptureFilePushed)
    /// The local copy of a file that was pushed is gone.
    case fileDropped(file: Int64)
    case uploaded(CaptureUploaded)
}

/// Captures left the archive.
public struct CapturesExported: Hashable, Sendable {
    /// One of them, by the trace it is of and the position of its `CaptureArchived`.
    public struct Capture: Hashable, Sendable {
        public var trace: TraceID
        public var position: Int64

        public init(trace: TraceID, position: Int64) {
            self.trace = trace
            self.position = position
        }
    }

    /// The file they were written to; empty for standard output.
    public var path: String
    public var captures: [Capture]
    public var packets: Int

    public init(path: String, captures: [Capture], packets: Int) {
        self.path = path
        self.captures = captures
        self.packets = packets
    }
}

/// The oldest captures are given up: all that were archived up to a position.
public struct CapturesPruned: Hashable, Sendable {
    /// Of the last `CaptureArchived` among them.
    public var through: Int64
    /// How many were not given up before.
    public var captures: Int
    public var packets: Int
    /// Which limit was passed, for people.
    public var reason: String
    /// The highest number that a file had so far: it is not given again.
    public var highestFile: Int64

    public init(
        through: Int64, captures: Int, packets: Int, reason: String, highestFile: Int64
    ) {
        self.through = through
        self.captures = captures
        self.packets = packets
        self.reason = reason
        self.highestFile = highestFile
    }
}

/// A file of the archive lies in a remote archive too.
public struct CaptureFilePushed: Hashable, Sendable {
    public var file: Int64
    /// The archive, without anything secret: `s3://bucket/prefix`.
    public var archive: String
    /// What it is called there.
    public var name: String
    public var bytes: Int64
    /// SHA-256 of its content.
    public var digest: [UInt8]

    public init(file: Int64, archive: String, name: String, bytes: Int64, digest: [UInt8]) {
        self.file = file
        self.archive = archive
        self.name = name
        self.bytes = bytes
        self.digest = digest
    }
}

/// The packets of a PacketCapture were sent to its file server, or could not be.
public struct CaptureUploaded: Hashable, Sendable {
    public var trace: TraceID
    public var attempt: Int
    /// Where they lie: `sftp://host:port/path/NAME.pcapng`.
    public var url: String
    /// Why they could not be sent; nil where they were.
    public var error: String?

    public init(trace: TraceID, attempt: Int, url: String, error: String? = nil) {
        self.trace = trace
        self.attempt = attempt
        self.url = url
        self.error = error
    }
}
