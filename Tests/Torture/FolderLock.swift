import Glibc

/// The lock on a log's folder, held by whoever makes a segment; others wait to open the log.
enum FolderLock {
    /// Whether somebody holds it for so long without a pause, or may.
    static func isHeld(_ folder: String, for milliseconds: Int) -> Bool {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let end = Wait.now() + Int64(milliseconds)
        while flock(descriptor, LOCK_SH | LOCK_NB) != 0 {
            guard Wait.now() < end else { return true }
            Wait.pause(milliseconds: 2)
        }
        return false
    }
}
