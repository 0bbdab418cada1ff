import Glibc
import Traceflow

/// One file of the archive, open for reading or writing.
final class CaptureFile: CaptureBytes {
    let path: String
    let number: Int64
    private let descriptor: Int32

    /// The numbers of the files in the folder, in order; none where there is no folder.
    static func numbers(in folder: String) -> [Int64] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var numbers: [Int64] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(ArchivedCapture.fileEnding),
                let number = Int64(name.dropLast(ArchivedCapture.fileEnding.count)),
                (1...numberMax).contains(number), ArchivedCapture.fileName(number) == name
            else { continue }
            numbers.append(number)
        }
        return numbers.sorted()
    }

    private static let numberMax: Int64 = 1 << 50

    enum Access {
        case read
        /// Of a file that is there.
        case write
        /// Of a file that was not there.
        case create
    }

    /// Nil when the file is not there, or, for `create`, when it is.
    init?(_ folder: String, _ number: Int64, _ access: Access) throws(CaptureError) {
        path = folder + "/" + ArchivedCapture.fileName(number)
        self.number = number
        let flags =
            switch access {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor < 0 else { return }
        if errno == (access == .create ? EEXIST : ENOENT) { return nil }
        throw Self.failure(path, "cannot be opened")
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Keeps other writers away until this file is closed; false where another one does.
    func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    func status() throws(CaptureError) -> (bytes: Int64, isThere: Bool) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw Self.failure(path, "cannot be looked at")
        }
        return (Int64(status.st_size), status.st_nlink > 0)
    }

    func count() throws(CaptureError) -> Int64 { try status().bytes }

    func read(from offset: Int64, count: Int) throws(CaptureError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let done = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled,
                    off_t(offset) + off_t(filled))
                if done < 0, errno == EINTR { continue }
                if done < 0 { failed = true }
                guard done > 0 else { return }
                filled += done
            }
        }
        if failed { throw Self.failure(path, "cannot be read") }
        return bytes
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(CaptureError) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
                off_t(offset) + off_t(done))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw Self.failure(path, "cannot be written to") }
            done += written
        }
    }

    func cut(to bytes: Int64) throws(CaptureError) {
        guard ftruncate(descriptor, off_t(bytes)) == 0 else {
            throw Self.failure(path, "cannot be cut back")
        }
    }

    func sync() throws(CaptureError) {
        guard fdatasync(descriptor) == 0 else { throw Self.failure(path, "cannot be synced") }
    }

    /// Makes the folder for its owner alone, and those above it.
    static func makeFolder(_ folder: String) throws(CaptureError) {
        var path = folder.hasPrefix("/") ? "/" : ""
        for part in folder.split(separator: "/") {
            path += path.isEmpty || path == "/" ? String(part) : "/" + part
            if mkdir(path, 0o700) != 0, errno != EEXIST {
                throw failure(path, "cannot be made")
            }
        }
    }

    static func syncFolder(_ folder: String) throws(CaptureError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "cannot be synced") }
    }

    private static func failure(_ path: String, _ what: String) -> CaptureError {
        let reason = String(cString: strerror(errno))
        return switch errno {
        case ENOSPC, EDQUOT, EFBIG:
            CaptureError(
                .diskFull, "\(path): the disk is full (\(reason))",
                remedy: "free some space and try again")
        default:
            CaptureError(
                .failed, "\(path) \(what) (\(reason))", remedy: "check the folder and the disk")
        }
    }
}
