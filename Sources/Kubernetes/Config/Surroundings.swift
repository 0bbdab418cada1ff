import Foundation

/// What a client finds around it: environment and files. Tests give their own.
public struct Surroundings: Sendable {
    public var environment: [String: String]
    /// Nil where there is no such file, or it cannot be read.
    public var contents: @Sendable (String) -> [UInt8]?
    /// What tells whether a file was replaced: its size, its time, its number.
    public var stamp: @Sendable (String) -> FileStamp?
    public var now: @Sendable () -> Date

    public struct FileStamp: Hashable, Sendable {
        var bytes: Int64
        var seconds: Int
        var nanoseconds: Int
        var inode: UInt64

        public init(bytes: Int64, seconds: Int, nanoseconds: Int, inode: UInt64) {
            self.bytes = bytes
            self.seconds = seconds
            self.nanoseconds = nanoseconds
            self.inode = inode
        }
    }

    /// Settings and secrets are small.
    private static let bytesMax = 16 << 20

    public init(
        environment: [String: String],
        contents: @escaping @Sendable (String) -> [UInt8]?,
        stamp: @escaping @Sendable (String) -> FileStamp?,
        now: @escaping @Sendable () -> Date
    ) {
        self.environment = environment
        self.contents = contents
        self.stamp = stamp
        self.now = now
    }

    /// This process's environment and files; time is handed in.
    public static func system(now: @escaping @Sendable () -> Date) -> Surroundings {
        Surroundings(
            environment: ProcessInfo.processInfo.environment,
            contents: { path in
                guard let stamp = fileStamp(path), stamp.bytes <= bytesMax else { return nil }
                return FileManager.default.contents(atPath: path).map { Array($0) }
            }, stamp: fileStamp, now: now)
    }

    @Sendable private static func fileStamp(_ path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileStamp(
            bytes: Int64(status.st_size), seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec, inode: UInt64(status.st_ino))
    }
}
