import Foundation
import Testing

@testable import RemoteArchive

@Suite("SFTP servers that fail", .serialized) struct SFTPFaultTests {
    let scratch: Scratch
    let watch = TransferWatch()

    init() throws { scratch = try Scratch() }

    @Test(
        "a server that is killed in the middle and comes back gets the rest",
        .enabled(if: SSHServer.isRoot, "only root can end a server with all its sessions"))
    func killed() throws {
        let server = try SSHServer()
        let content = Scratch.bytes(40_000_000)
        let path = try scratch.file("1", content)
        let base = server.folder + "/captures"
        var policy = RetryPolicy()
        policy.attemptsMax = 2
        let store = try server.store(base, policy: policy)
        var isKilled = false
        let killing = TransferWatch(progress: { done, _ in
            guard done > 5_000_000, !isKilled else { return }
            isKilled = true
            server.kill()
        })
        let error = try failure { try store.put(path, as: "1", killing) }
        #expect(error.code.mayPass)
        #expect(error.message.hasSuffix("(tried 2 times)"))
        let attributes = try FileManager.default.attributesOfItem(atPath: base + "/1.part")
        let there = try #require(attributes[.size] as? Int)
        #expect((1..<content.count).contains(there))

        try server.start()
        var first: Int64?
        let following = TransferWatch(progress: { done, _ in first = first ?? done })
        _ = try store.put(path, as: "1", following)

        #expect(try #require(first) > there)
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: base + "/1"))) == content)
    }

    @Test(
        "a full disk is named at once, and the name stays free",
        .enabled(if: SSHServer.isRoot, "only root can mount a small disk to fill"))
    func full() throws {
        let server = try SFTPStoreTests.shared.get()
        let time = StillTime()
        let store = try server.store(server.smallFolder + "/captures", time: time)
        let error = try failure {
            try store.put(scratch.file("1", Scratch.bytes(3_000_000)), as: "1", watch)
        }
        #expect(error.code == .diskFull)
        #expect(error.description.contains("the disk is full (0 bytes are free)"))
        #expect(time.waits == [])
        #expect(try store.list(watch) == [])
    }

    @Test(
        "a folder that may not be written to is denied",
        .enabled(if: FileManager.default.fileExists(atPath: "/proc/1"), "needs /proc"))
    func denied() throws {
        let server = try SFTPStoreTests.shared.get()
        let time = StillTime()
        let store = try server.store("/proc/captures", time: time)
        let error = try failure { try store.put(scratch.file("1", [1]), as: "1", watch) }
        #expect(!error.code.mayPass)
        #expect(time.waits == [])
    }
}
