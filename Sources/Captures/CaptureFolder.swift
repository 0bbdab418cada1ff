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

    /// Whether no writer would add to the file any more, for its size or its age.
    public func isFull(_ number: Int64, _ limits: CaptureWriter.Limits, now: Int64) throws -> Bool {
        guard let file = try CaptureFile(path, number, .read) else { return true }
        let header = try file.read(from: 0, count: CaptureFrames.fileHeaderBytes)
        guard let began = CaptureFrames.beganSeconds(header) else { return false }
        return try !limits.allow(bytes: file.count(), beganSeconds: began, now: now)
    }

    /// What the body makes of a whole file that nobody writes to, nor begins to meanwhile; a torn
    /// end is cut off before. Nil where somebody writes, or there is no such file.
    public func whileNobodyWrites<T>(
        to number: Int64, _ index: any CaptureIndex, _ body: (_ path: String) throws -> T
    ) throws -> T? {
        guard let file = try CaptureFile(path, number, .write), file.lock(),
            try file.status().isThere
        else { return nil }
        if case .left(let path, let at)? = try CaptureRepair.repair(file, index).repair {
            throw CaptureError(
                .damaged, "\(path) is damaged at byte \(at), where the log speaks of captures",
                remedy: "`tracectl capture verify` names what is lost")
        }
        return try body(file.path)
    }
}
