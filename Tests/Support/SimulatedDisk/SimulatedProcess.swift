import CSQLite
import CSimulatedDisk

/// A process on a simulated disk: a VFS of its own, and the file calls of a program.
///
/// It lives until it is killed, the power is cut or the disk goes, whether or not this value is
/// still held. Connections may outlive it; all they do then fails.
///
/// `@unchecked Sendable` holds because both properties never change, the C functions lock the disk
/// around all they do, and the disk, which frees `handle`, is held here.
public final class SimulatedProcess: @unchecked Sendable {
    public let disk: SimulatedDisk
    private let handle: OpaquePointer

    init(_ disk: SimulatedDisk) {
        self.disk = disk
        handle = sdisk_process_start(disk.handle)
    }

    /// The name to open SQLite connections with.
    public var vfs: String { String(cString: sdisk_process_vfs(handle)) }

    /// From 1, in the order in which the disk's processes started.
    public var number: Int { Int(sdisk_process_number(handle)) }

    /// As kill -9 does: its locks go, what it wrote stays, and all its calls fail from now on.
    public func kill() { sdisk_process_kill(handle) }

    /// The same within its n-th operation from now, which may be done in part.
    public func kill(atOperation n: Int) { sdisk_process_kill_at(handle, Int64(n)) }

    /// Whether it was killed, or lost its power.
    public var isDead: Bool { sdisk_process_is_dead(handle) }
}

extension SimulatedProcess {
    /// How often the process did what.
    public struct Counts: Sendable {
        private let raw: sdisk_counts

        init(_ raw: sdisk_counts) { self.raw = raw }

        public var all: Int { Int(raw.all) }
        public var bytesWritten: Int { Int(raw.bytes_written) }

        public subscript(kind: SimulatedDisk.OperationKind) -> Int {
            withUnsafeBytes(of: raw.by_op) {
                Int($0.assumingMemoryBound(to: Int64.self)[Int(kind.rawValue)])
            }
        }

        /// Syncs of files of the kind; those of folders are `.syncFolder` operations.
        public func syncs(of kind: SimulatedDisk.FileKind) -> Int {
            withUnsafeBytes(of: raw.syncs) {
                Int($0.assumingMemoryBound(to: Int64.self)[Int(kind.rawValue)])
            }
        }
    }

    public var counts: Counts { Counts(sdisk_process_counts(handle)) }
}

/// Why a file call failed: SQLite's code. A missing file is `SQLITE_CANTOPEN`.
public struct SimulatedDiskError: Error, Hashable {
    public let code: Int32
    public let path: String

    public init(code: Int32, path: String) {
        self.code = code
        self.path = path
    }
}

/// Files that are not databases. Each call is one operation, or as many as it says.
extension SimulatedProcess {
    public func exists(_ path: String) throws(SimulatedDiskError) -> Bool {
        var result = false
        try check(sdisk_exists(handle, path, &result), path)
        return result
    }

    public func size(of path: String) throws(SimulatedDiskError) -> Int {
        var size: Int64 = 0
        try check(sdisk_size(handle, path, &size), path)
        return Int(size)
    }

    /// The paths of the files directly in the folder, in order.
    public func files(in folder: String) throws(SimulatedDiskError) -> [String] {
        var paths: [String] = []
        let code = withUnsafeMutablePointer(to: &paths) { paths in
            sdisk_list(
                handle, folder,
                { context, path in
                    guard let path else { return }
                    context?.assumingMemoryBound(to: [String].self).pointee
                        .append(String(cString: path))
                }, paths)
        }
        try check(code, folder)
        return paths
    }

    /// The whole file; two operations.
    public func read(_ path: String) throws(SimulatedDiskError) -> [UInt8] {
        let size = try size(of: path)
        return try read(path, from: 0, count: size)
    }

    /// Bytes of the file, fewer at its end.
    public func read(
        _ path: String, from offset: Int, count: Int
    ) throws(SimulatedDiskError) -> [UInt8] {
        var code = SQLITE_OK
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var read: Int64 = 0
            code = sdisk_read(
                handle, path, buffer.baseAddress, Int64(count), Int64(offset), &read)
            filled = Int(read)
        }
        try check(code, path)
        return bytes
    }

    /// Makes the file if need be, and writes at the offset; an operation more when it is new.
    public func write(
        _ bytes: [UInt8], to path: String, at offset: Int = 0
    ) throws(SimulatedDiskError) {
        let code = bytes.withUnsafeBytes {
            sdisk_write(handle, path, $0.baseAddress, Int64($0.count), Int64(offset))
        }
        try check(code, path)
    }

    public func truncate(_ path: String, to size: Int) throws(SimulatedDiskError) {
        try check(sdisk_truncate(handle, path, Int64(size)), path)
    }

    /// Makes contents and creation durable.
    public func sync(_ path: String) throws(SimulatedDiskError) {
        try check(sdisk_sync(handle, path), path)
    }

    public func remove(_ path: String) throws(SimulatedDiskError) {
        try check(sdisk_remove(handle, path), path)
    }

    /// Replaces a file that has the new name.
    public func rename(_ path: String, to new: String) throws(SimulatedDiskError) {
        try check(sdisk_rename(handle, path, new), path)
    }

    /// Makes creations, removals and renames in the folder durable.
    public func syncFolder(_ folder: String) throws(SimulatedDiskError) {
        try check(sdisk_sync_folder(handle, folder), folder)
    }

    /// How often a lock is asked for before it counts as held for good.
    private static let lockAttempts = 10_000

    /// Keeps others that lock exclusively out of the folder until the returned closure is called.
    ///
    /// Lets others run while another process has it; `SQLITE_BUSY` when it does not let go.
    public func lockFolder(
        _ folder: String, isShared: Bool
    ) throws(SimulatedDiskError) -> @Sendable () -> Void {
        var number: Int64 = 0
        var code = SQLITE_BUSY
        for _ in 0..<Self.lockAttempts {
            code = sdisk_lock_folder(handle, folder, isShared, &number)
            guard code == SQLITE_BUSY else { break }
            try check(sdisk_sleep(handle, 1000), folder)
        }
        try check(code, folder)
        return { [number] in sdisk_unlock_folder(self.handle, number) }
    }

    private func check(_ code: Int32, _ path: String) throws(SimulatedDiskError) {
        guard code != SQLITE_OK else { return }
        throw SimulatedDiskError(code: code, path: path)
    }
}
