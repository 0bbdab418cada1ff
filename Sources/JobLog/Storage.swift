import Glibc

/// Where the segments of a log live: the file system, or what a test puts in its place.
///
/// SQLite reaches its files through the VFS of the given name; all else a log does to files goes
/// through the closures. Paths are what `JobLog.open` was given, with names appended.
public struct Storage: Sendable {
    /// The SQLite VFS; nil for the default one.
    public var vfs: String?
    public var exists: @Sendable (_ path: String) -> Bool
    /// Bytes of the file; nil when there is none.
    public var size: @Sendable (_ path: String) -> Int64?
    /// Names in the folder, in any order.
    public var files: @Sendable (_ folder: String) -> [String]
    /// Makes the folder, and those above it, for its owner only.
    public var makeFolder: @Sendable (_ path: String) throws(JobLogError) -> Void
    /// Keeps others that lock exclusively out of the folder until the returned closure is called.
    public var lockFolder:
        @Sendable (_ path: String, _ isShared: Bool) throws(JobLogError) -> @Sendable () -> Void
    /// Renames a file whose content is synced, and syncs the folder.
    public var rename: @Sendable (_ from: String, _ to: String) throws(JobLogError) -> Void
    /// Makes the names in the folder durable.
    public var syncFolder: @Sendable (_ folder: String) throws(JobLogError) -> Void
    public var remove: @Sendable (_ path: String) throws(JobLogError) -> Void
    /// Names this process, so that others can tell when it is gone.
    public var process: String
    /// False only when the named process is known to be gone.
    public var mayLive: @Sendable (_ process: String) -> Bool

    public init(
        vfs: String?, exists: @escaping @Sendable (String) -> Bool,
        size: @escaping @Sendable (String) -> Int64?,
        files: @escaping @Sendable (String) -> [String],
        makeFolder: @escaping @Sendable (String) throws(JobLogError) -> Void,
        lockFolder:
            @escaping @Sendable (String, Bool) throws(JobLogError) -> @Sendable () -> Void,
        rename: @escaping @Sendable (String, String) throws(JobLogError) -> Void,
        syncFolder: @escaping @Sendable (String) throws(JobLogError) -> Void,
        remove: @escaping @Sendable (String) throws(JobLogError) -> Void,
        process: String, mayLive: @escaping @Sendable (String) -> Bool
    ) {
        self.vfs = vfs
        self.exists = exists
        self.size = size
        self.files = files
        self.makeFolder = makeFolder
        self.lockFolder = lockFolder
        self.rename = rename
        self.syncFolder = syncFolder
        self.remove = remove
        self.process = process
        self.mayLive = mayLive
    }

    /// The file system, and the processes of this host.
    public static let fileSystem = Storage(
        vfs: nil, exists: { access($0, F_OK) == 0 }, size: FileSystem.size,
        files: FileSystem.files, makeFolder: FileSystem.makeFolder,
        lockFolder: FileSystem.lockFolder, rename: FileSystem.rename,
        syncFolder: FileSystem.syncFolder, remove: FileSystem.remove,
        process: HolderProcess.current, mayLive: HolderProcess.mayLive)
}

private enum FileSystem {
    static func size(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    static func files(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func makeFolder(_ folder: String) throws(JobLogError) {
        var path = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            path += path.isEmpty || path == "/" ? String(part) : "/" + part
            if mkdir(path, 0o700) != 0, errno != EEXIST {
                throw failure("\(path): the folder cannot be made", "choose another with --log")
            }
        }
    }

    static func lockFolder(
        _ folder: String, _ isShared: Bool
    ) throws(JobLogError) -> @Sendable () -> Void {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw failure("\(folder): the folder cannot be opened", "choose another with --log")
        }
        while flock(descriptor, isShared ? LOCK_SH : LOCK_EX) != 0, errno == EINTR {}
        return { close(descriptor) }
    }

    static func rename(_ from: String, _ to: String) throws(JobLogError) {
        guard Glibc.rename(from, to) == 0 else {
            throw failure("\(from): the file cannot be renamed", "check the folder's permissions")
        }
        try syncFolder(to.lastIndex(of: "/").map { String(to[..<$0]) } ?? ".")
    }

    static func syncFolder(_ folder: String) throws(JobLogError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw failure("\(folder): the folder cannot be synced", "check the disk")
        }
    }

    static func remove(_ path: String) throws(JobLogError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw failure("\(path): the file cannot be removed", "check the folder's permissions")
        }
    }

    private static func failure(_ what: String, _ remedy: String) -> JobLogError {
        JobLogError(.readOnly, "\(what) (\(String(cString: strerror(errno))))", remedy: remedy)
    }
}
