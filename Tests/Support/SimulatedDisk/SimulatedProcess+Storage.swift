import CSQLite
import JobLog

extension SimulatedProcess {
    /// The disk as a log sees it that this process opens.
    public var storage: Storage {
        Storage(
            vfs: vfs,
            exists: { (try? self.exists($0)) ?? false },
            size: { path in (try? self.size(of: path)).map { Int64($0) } },
            files: { folder in
                let paths = (try? self.files(in: folder)) ?? []
                return paths.compactMap { $0.split(separator: "/").last.map(String.init) }
            },
            makeFolder: { (_) throws(JobLogError) in },
            lockFolder: { (folder, isShared) throws(JobLogError) in
                try Self.translated { () throws(SimulatedDiskError) in
                    try self.lockFolder(folder, isShared: isShared)
                }
            },
            rename: { (from, to) throws(JobLogError) in
                try Self.translated { () throws(SimulatedDiskError) in
                    try self.rename(from, to: to)
                    try self.syncFolder(to.lastIndex(of: "/").map { String(to[..<$0]) } ?? "")
                }
            },
            syncFolder: { folder throws(JobLogError) in
                try Self.translated { () throws(SimulatedDiskError) in
                    try self.syncFolder(folder)
                }
            },
            remove: { path throws(JobLogError) in
                try Self.translated { () throws(SimulatedDiskError) in
                    guard try self.exists(path) else { return }
                    try self.remove(path)
                }
            },
            process: "simulated \(number)",
            mayLive: { name in
                let parts = name.split(separator: " ")
                guard parts.count == 2, parts[0] == "simulated", let number = Int(parts[1]) else {
                    return true
                }
                return self.disk.isAlive(number)
            })
    }

    private static func translated<T>(
        _ body: () throws(SimulatedDiskError) -> T
    ) throws(JobLogError) -> T {
        do {
            return try body()
        } catch {
            throw JobLogError(
                error.code == SQLITE_FULL ? .diskFull : .failed,
                "\(error.path): the simulated disk answered \(error.code)")
        }
    }
}
