import Glibc
import Synchronization

/// For files that others keep beside the segments.
extension JobLog {
    package func removeFile(_ path: String) throws(JobLogError) {
        try options.storage.remove(path)
    }

    /// Names in the log's folder.
    package var filesBeside: [String] { options.storage.files(folder) }

    /// Makes an empty file that is for its owner alone, unless there is one: what lies beside a log
    /// tells of traffic. What SQLite makes beside it has the same mode.
    ///
    /// One that is there is not opened: to close a file gives back all locks that this process has
    /// on it (fcntl(2)), and the next process that ends would take the database for its own and
    /// remove its WAL. For the same reason nobody goes on while another makes the file.
    package func makeOwnFile(_ path: String) {
        // Where that fails, opening it says why.
        makingOwnFile.withLock { _ in
            let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 { Glibc.close(descriptor) }
        }
    }
}

private let makingOwnFile = Mutex(())
