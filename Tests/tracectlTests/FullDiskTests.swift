import Foundation
import Glibc
import TestBinary
import Testing

/// What a full disk does to a log, on a small file system of its own.
struct FullDiskTests {
    /// Nil, and a known issue, where mounting is not permitted.
    private final class Disk {
        let binary: Binary
        let folder: String

        init?() throws {
            binary = try Binary()
            folder = binary.folder + "/disk"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            guard mount("none", folder, "tmpfs", 0, "size=2m") == 0 else {
                withKnownIssue("mounting a small file system needs root") {
                    Issue.record("mount failed")
                }
                return nil
            }
        }

        deinit { umount2(folder, Int32(MNT_DETACH)) }

        /// Somebody else's file takes what is there but so many bytes.
        func fill(leaving bytes: Int = 0) {
            let file = open(folder + "/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
            let block = [UInt8](repeating: 1, count: 4096)
            while write(file, block, block.count) > 0 {}
            ftruncate(file, max(0, lseek(file, 0, SEEK_END) - bytes))
            close(file)
        }

        func free() { unlink(folder + "/ballast") }

        func apply(_ name: String, log: String = "log") throws -> Binary.Result {
            let file = try binary.traceflow("{\(RefusalTests.pods)}", name: name)
            return try binary.run([
                "apply", "--log", folder + "/" + log, "--cluster", binary.cluster, "-f", file,
            ])
        }
    }

    private func expectRefusal(_ result: Binary.Result) {
        #expect(result.status == 3)
        #expect(result.output.isEmpty)
        #expect(result.errorLines == 1)
        #expect(result.errors.contains("the disk is full"), "\(result.errors)")
    }

    @Test func nothingIsLostAndItIsSaid() throws {
        guard let disk = try Disk() else { return }
        let log = ["--log", disk.folder + "/log"]
        #expect(try disk.apply("before").status == 0)
        disk.fill()
        expectRefusal(try disk.apply("full"))
        disk.free()
        #expect(try disk.apply("after").status == 0)
        let names = try disk.binary.run(["get", "-o", "name"] + log)
        #expect(
            names.output
                == "traceflow.crd.antrea.io/after\ntraceflow.crd.antrea.io/before\n")
        #expect(try disk.binary.run(["log", "verify"] + log).status == 0)
    }

    /// Where the space ends decides which file cannot grow: database, WAL or shared memory.
    @Test func aLogThatDoesNotFitIsMadeLater() throws {
        guard let disk = try Disk() else { return }
        for pages in 0...14 {
            disk.fill(leaving: pages * 4096)
            expectRefusal(try disk.apply("t", log: "log\(pages)"))
            disk.free()
            #expect(
                try disk.apply("t", log: "log\(pages)").output
                    == "traceflow.crd.antrea.io/t created\n")
            try FileManager.default.removeItem(atPath: disk.folder + "/log\(pages)")
        }
    }
}
