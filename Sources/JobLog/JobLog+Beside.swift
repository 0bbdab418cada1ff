import Glibc

/// For files that others keep beside the segments.
extension JobLog {
    package func removeFile(_ path: String) throws(JobLogError) {
        try options.storage.remove(path)
    }

    package func exists(_ path: String) -> Bool { options.storage.exists(path) }

    /// Files that the body makes are for their owner alone: they tell of traffic.
    package func ownerOnly<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        let mask = umask(0o077)
        defer { umask(mask) }
        return try body()
    }
}
