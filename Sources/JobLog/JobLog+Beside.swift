import Glibc

/// For files that others keep beside the segments.
extension JobLog {
    package func removeFile(_ path: String) throws(JobLogError) {
        try options.storage.remove(path)
    }

    /// Names in the log's folder.
    package var filesBeside: [String] { options.storage.files(folder) }

    /// Makes an empty file that is for its owner alone, unless there is one: what lies beside a log
    /// tells of traffic. What SQLite makes beside it has the same mode.
    package func makeOwnFile(_ path: String) {
        // Where that fails, opening it says why.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 { Glibc.close(descriptor) }
    }
}
