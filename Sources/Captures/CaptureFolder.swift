import Glibc
import Traceflow

/// The files of an archive, as files.
public struct CaptureFolder: Sendable {
    public let path: String

    public init(_ path: String) { self.path = path }

    public struct File: Hashable, Sendable {
        public var number: Int64
        public var bytes: Int64

        public var name: String { ArchivedCapture.fileName(number) }

        public init(number: Int64, bytes: Int64) {
            self.number = number
            self.bytes = bytes
        }
    }

    /// In the order of their numbers; none where there is no folder.
    public func files() throws -> [File] {
        try CaptureFile.numbers(in: path).compactMap { number in
            guard let file = try CaptureFile(path, number, .read) else { return nil }
            return File(number: number, bytes: try file.status().bytes)
        }
    }

    public func has(_ number: Int64) -> Bool {
        access(path + "/" + ArchivedCapture.fileName(number), F_OK) == 0
    }

    /// Removes a file, if nobody writes to it; tells whether it is gone.
    public func remove(_ number: Int64) throws -> Bool {
        guard let file = try CaptureFile(path, number, .write) else { return true }
        guard file.lock() else { return false }
        guard unlink(file.path) == 0 || errno == ENOENT else {
            throw CaptureError(
                .failed, "\(file.path) cannot be removed (\(String(cString: strerror(errno))))",
                remedy: "check who owns the folder")
        }
        try CaptureFile.syncFolder(path)
        return true
    }

    /// What the body makes of a file that nobody writes to, nor begins to meanwhile; nil where
    /// somebody does, or there is no such file.
    public func whileNobodyWrites<T>(
        to number: Int64, _ body: (_ path: String) throws -> T
    ) throws -> T? {
        guard let file = try CaptureFile(path, number, .write), file.lock(),
            try file.status().isThere
        else { return nil }
        return try body(file.path)
    }
}
