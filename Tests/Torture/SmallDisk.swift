import Foundation
import Glibc

/// A small file system in memory, which others can fill.
final class SmallDisk {
    let folder: String

    /// Nil when mounting is not permitted.
    init?(at folder: String, megabytes: Int) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard mount("tracectl-torture", folder, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
            return nil
        }
    }

    deinit { umount2(folder, Int32(MNT_DETACH)) }

    private var ballast: String { folder + "/ballast" }

    /// Takes all space but so many bytes.
    func fill(leaving bytes: Int) throws {
        let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard file >= 0 else { throw Violation("\(ballast) cannot be made") }
        defer { close(file) }
        let block = [UInt8](repeating: 0x5a, count: 4096)
        while write(file, block, block.count) > 0 {}
        var status = stat()
        fstat(file, &status)
        guard ftruncate(file, max(0, status.st_size - bytes)) == 0 else {
            throw Violation("\(ballast) cannot be shortened")
        }
    }

    func free() { unlink(ballast) }

    /// Copies what it holds to where it outlives us.
    func keep(in target: String) {
        free()
        try? FileManager.default.copyItem(atPath: folder, toPath: target)
    }
}
