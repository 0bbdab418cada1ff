import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

/// `capture push`, and captures that are read from where they were pushed to.
struct PushCommandTests {
    let binary: Binary
    let moto: Moto
    let bucket = "b-" + UUID().uuidString.lowercased()

    init() throws {
        binary = try Binary()
        moto = try Moto.shared.get()
        try moto.makeBucket(bucket)
    }

    private func trace(_ name: String) throws {
        let file = try binary.traceflow(
            "{source: {namespace: default, pod: pod1}, destination: {namespace: default, pod: pod3}"
                + ", capture: {firstN: 1, point: Both}}", name: name)
        let ran = try binary.run(["run", "--cluster", binary.cluster, "-f", file])
        #expect(ran.status == 0, "\(ran.errors)")
    }

    private func capture(_ arguments: [String], _ more: [String: String] = [:]) throws
        -> Binary.Result
    {
        try binary.run(
            ["capture"] + arguments, environment: moto.environment.merging(more) { $1 })
    }

    private func push(_ arguments: String...) throws -> Binary.Result {
        try capture(["push", "--archive-to", "s3://\(bucket)/lab"] + arguments)
    }

    private var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: binary.log + "/captures")) ?? [])
            .sorted()
    }

    @Test func whatWasPushedIsReadFromThereOnceItIsNotHere() throws {
        try trace("a")
        let before = try capture(["show"])
        let pushed = try push()
        #expect(pushed.status == 0, "\(pushed.errors)")
        #expect(pushed.output.hasPrefix("pushed s3://\(bucket)/lab/"), "\(pushed.output)")
        #expect(try push().errors == "nothing to push\n")
        let dropped = try push("--drop-local")
        #expect(dropped.output == "dropped captures/000001.pcapng.lz4\n")
        #expect(files.isEmpty)
        #expect(try capture(["show"]).output == before.output)
        #expect(try capture(["verify"]).output == "ok: 2 captures, 2 packets\n")
        let exported = binary.folder + "/x.pcapng"
        #expect(try capture(["export", "a", "-o", exported]).status == 0)
        #expect(FileManager.default.fileExists(atPath: exported))
        #expect(try binary.run(["log", "verify"]).status == 0)
    }

    /// Its number and its content are the copy's for ever.
    @Test func aPushedFileIsNotAddedToNorItsNumberGivenAgain() throws {
        try trace("a")
        _ = try push()
        try trace("b")
        #expect(files == ["000001.pcapng.lz4", "000002.pcapng.lz4"])
        _ = try push("--drop-local")
        #expect(files.isEmpty)
        try trace("c")
        #expect(files == ["000003.pcapng.lz4"])
        #expect(try capture(["verify"]).output == "ok: 6 captures, 6 packets\n")
    }

    /// As after a crash between the upload and the event: it is found there, and not sent again.
    @Test func whatACrashLeftThereIsFoundAgain() throws {
        try trace("a")
        let log = binary.log
        let copy = log + "-before"
        try FileManager.default.copyItem(atPath: log, toPath: copy)
        let first = try push()
        try FileManager.default.removeItem(atPath: log)
        try FileManager.default.moveItem(atPath: copy, toPath: log)
        let second = try push()
        #expect(second.output == first.output)
        #expect(try capture(["verify"]).status == 0)
    }

    @Test func onlyFullFilesIfSoAsked() throws {
        try trace("a")
        #expect(try push("--full-only").errors == "nothing to push\n")
    }

    @Test func whatCannotBeReachedIsOneLineAndLosesNothing() throws {
        try trace("a")
        let secret = "a-secret-of-the-test"
        let denied = try capture(
            ["push", "--archive-to", "s3://\(bucket)/lab", "--drop-local"],
            ["AWS_SECRET_ACCESS_KEY": secret])
        #expect(denied.status == 1)
        #expect(denied.errors.contains("SignatureDoesNotMatch"), "\(denied.errors)")
        #expect(denied.errorLines == 1)
        let absent = try capture(["push", "--archive-to", "s3://no-such-\(bucket)/"])
        #expect(absent.status == 1)
        #expect(absent.errors.contains("NoSuchBucket"), "\(absent.errors)")
        let lost = try binary.run(
            ["capture", "push", "--archive-to", "s3://\(bucket)"],
            environment: ["AWS_REGION": "us-east-1"])
        #expect(lost.status == 1)
        #expect(lost.errors.contains("AWS_ACCESS_KEY_ID"), "\(lost.errors)")
        for ran in [denied, absent, lost] {
            #expect(!ran.errors.contains(secret) && !ran.errors.contains(moto.secretKey))
        }
        let dump = try binary.run(["log", "dump"]).output
        #expect(!dump.contains("CaptureFilePushed") && !dump.contains(secret))
        #expect(files == ["000001.pcapng.lz4"])
        #expect(try capture(["verify"]).status == 0)
    }

    @Test func aLocationThatIsNoneIsWrongUsage() throws {
        for url in ["ftp://x/y", "s3://", "sftp://u:secret@h/p"] {
            let ran = try binary.run(["capture", "push", "--archive-to", url])
            #expect(ran.status == 2, "\(url)")
            #expect(!ran.errors.contains("understood: the password secret"))
        }
    }

    @Test func filesGoBySFTPToo() throws {
        let server = try SSHServer()
        try trace("a")
        let place = "sftp://\(server.user)@127.0.0.1:\(server.port)\(server.folder)/lab"
        let way = ["--sftp-identity", server.userKey]
        func run(_ arguments: [String], key: String) throws -> Binary.Result {
            try binary.run(
                ["capture"] + arguments + way, environment: ["TRACECTL_SFTP_HOST_KEY": key])
        }
        let key = server.hostKey.base64
        let wrong = try run(
            ["push", "--archive-to", place, "--drop-local"],
            key: "SHA256:" + String(repeating: "A", count: 43))
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("host key"), "\(wrong.errors)")
        #expect(files == ["000001.pcapng.lz4"])
        let pushed = try run(["push", "--archive-to", place, "--drop-local"], key: key)
        #expect(pushed.status == 0, "\(pushed.errors)")
        #expect(files.isEmpty)
        #expect(try run(["verify"], key: key).output == "ok: 2 captures, 2 packets\n")
        server.kill()
    }

    @Test func prunedCapturesStayPrunedWhereverTheirFileIs() throws {
        try trace("a")
        _ = try push("--drop-local")
        #expect(
            try capture(["prune", "--max-count", "0"]).output
                == "pruned 2 captures of 2 packets, freed 0 bytes in 0 files\n")
        #expect(try capture(["show", "a"]).status == 1)
        try trace("b")
        #expect(files == ["000002.pcapng.lz4"])
    }
}
