import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

@Suite("Files by SFTP") struct SFTPStoreTests {
    let server: SSHServer
    let scratch: Scratch
    let watch = TransferWatch()
    let time = StillTime()

    static let shared = Result { try SSHServer(isShared: true) }

    init() throws {
        server = try Self.shared.get()
        scratch = try Scratch()
    }

    /// A folder that is there, of the server's.
    private func folder() throws -> String {
        let path = "\(server.folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private func write(_ bytes: some Sequence<UInt8>, _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test("what is put is there, in folders that are made for it, and its bytes come back")
    func roundTrip() throws {
        let store = try server.store()
        let content = Scratch.bytes(3_000_001)
        let path = try scratch.file("1", content)
        var steps: [Int64] = []
        let following = TransferWatch(progress: { done, total in
            #expect(total == 3_000_001)
            steps.append(done)
        })
        #expect(try store.list(watch) == [])
        #expect(try store.file("1", watch) == nil)

        let outcome = try store.put(path, as: "000001.pcapng.lz4", following)

        let file = RemoteFile(name: "000001.pcapng.lz4", bytes: 3_000_001)
        #expect(outcome == .sent(file))
        #expect(try store.list(watch) == [file])
        #expect(try store.file(file.name, watch) == file)
        #expect(steps.last == 3_000_001 && steps == steps.sorted() && steps.count > 2)
        #expect(try store.bytes(of: file.name, from: 0, count: 3_000_001) == content)
        #expect(
            try store.bytes(of: file.name, from: 1_000_000, count: 70_000)
                == Array(content[1_000_000..<1_070_000]))
        #expect(try store.compare(path, with: file.name, watch) == .same(file))
    }

    @Test("files and folders are their owner's alone") func modes() throws {
        let base = try folder()
        let store = try server.store(base + "/new/deeper")
        _ = try store.put(scratch.file("1", [1]), as: "1", watch)
        let modes = try ["/new", "/new/deeper", "/new/deeper/1"].map {
            try FileManager.default.attributesOfItem(atPath: base + $0)[.posixPermissions] as? Int
        }
        #expect(modes == [0o700, 0o700, 0o600])
    }

    @Test("an empty file is kept") func empty() throws {
        let store = try server.store()
        let path = try scratch.file("1", [])
        let file = RemoteFile(name: "1", bytes: 0)
        #expect(try store.put(path, as: "1", watch) == .sent(file))
        #expect(try store.put(path, as: "1", watch) == .alreadyThere(file))
        #expect(try store.list(watch) == [file])
    }

    @Test(
        "ranges that do not lie within the file are refused",
        arguments: [(90, 11), (100, 1), (101, 5)])
    func outside(offset: Int, count: Int) throws {
        let store = try server.store()
        _ = try store.put(scratch.file("1", Scratch.bytes(100)), as: "1", watch)
        let error = try failure { try store.bytes(of: "1", from: Int64(offset), count: count) }
        #expect(error.code == .outsideRange)
    }

    @Test("what is not there: no file, nothing to delete, nothing to read") func absent() throws {
        let store = try server.store()
        #expect(try store.compare(scratch.file("1", [1]), with: "1", watch) == .absent)
        try store.delete("1", watch)
        #expect(try failure { try store.bytes(of: "1", from: 0, count: 1) }.code == .absent)
    }

    @Test("the same content is not sent again, other content is not written over") func again()
        throws
    {
        let base = try folder()
        let store = try server.store(base)
        let path = try scratch.file("1", Scratch.bytes(5000))
        let file = RemoteFile(name: "1", bytes: 5000)
        _ = try store.put(path, as: "1", watch)
        #expect(try store.put(path, as: "1", watch) == .alreadyThere(file))
        for other in [Scratch.bytes(5000, seed: 2), Scratch.bytes(5001), []] {
            let otherPath = try scratch.file("other", other)
            #expect(try store.compare(otherPath, with: "1", watch) == .different(file))
            #expect(try failure { try store.put(otherPath, as: "1", watch) }.code == .conflict)
        }
        #expect(try bytes(base + "/1") == Scratch.bytes(5000))
        try store.delete("1", watch)
        #expect(try store.list(watch) == [])
    }

    @Test("lists files that are an archive's, and nothing else") func list() throws {
        let base = try folder()
        for name in ["2.lz4", "1.lz4", "3.part", ".hidden", "a b", "with space 9.lz4"] {
            try write([1, 2], base + "/" + name)
        }
        try FileManager.default.createDirectory(
            atPath: base + "/folder", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: base + "/link", withDestinationPath: "1.lz4")
        let files = try server.store(base).list(watch)
        #expect(files == ["1.lz4", "2.lz4"].map { RemoteFile(name: $0, bytes: 2) })
    }

    @Test("odd paths are reached", arguments: ["a b", "ä", "q\"uo'te", "back%slash", "~"])
    func paths(name: String) throws {
        let base = try folder()
        let escaped = PercentEncoding.encode(name)
        let store = try server.store("\(base)/\(escaped)")
        _ = try store.put(scratch.file("1", [1, 2, 3]), as: "1", watch)
        #expect(try bytes("\(base)/\(name)/1") == [1, 2, 3])
        #expect(try store.list(watch) == [RemoteFile(name: "1", bytes: 3)])
        try store.delete("1", watch)
        #expect(try store.list(watch) == [])
    }

    @Test(
        "an unfinished upload is gone on with if it begins as the file does",
        arguments: [
            (1_500_000, true), (0, true), (3_000_000, true), (1_500_000, false), (3_000_001, false),
        ])
    func resume(there: Int, isOurs: Bool) throws {
        let base = try folder()
        let content = Scratch.bytes(3_000_000)
        var part = Array((content + [7]).prefix(there))
        if !isOurs { part[part.count - 1] ^= 1 }
        try write(part, base + "/1.part")
        let relay = try CuttingRelay(to: server.port, cuttingAfter: [])
        let store = try server.store(base, through: relay.port)
        var first: Int64?
        let following = TransferWatch(progress: { done, _ in first = first ?? done })

        _ = try store.put(scratch.file("1", content), as: "1", following)

        #expect(try bytes(base + "/1") == content)
        #expect(try store.list(watch) == [RemoteFile(name: "1", bytes: 3_000_000)])
        #expect(!FileManager.default.fileExists(atPath: base + "/1.part"))
        if isOurs, there > 0 {
            #expect(try #require(first) > there || there == content.count)
        } else {
            #expect(try #require(first) < 1_500_000)
        }
    }

    @Test("a put whose connection is cut goes on behind what arrived") func cut() throws {
        let content = Scratch.bytes(4_000_000)
        let relay = try CuttingRelay(to: server.port, cuttingAfter: [1_500_000, 1_200_000])
        let store = try server.store(through: relay.port, time: time)
        var steps: [Int64] = []
        let following = TransferWatch(progress: { done, _ in steps.append(done) })
        let outcome = try store.put(scratch.file("1", content), as: "1", following)
        #expect(outcome == .sent(RemoteFile(name: "1", bytes: 4_000_000)))
        #expect(try store.bytes(of: "1", from: 0, count: 4_000_000) == content)
        #expect(relay.count == 3)
        #expect(time.waits == [500, 1000])
        #expect(steps == steps.sorted())
    }

    @Test("a range whose connection is cut goes on where it was cut") func cutRange() throws {
        let content = Scratch.bytes(4_000_000)
        let base = try folder()
        try write(content, base + "/1")
        let relay = try CuttingRelay(to: server.port, cuttingAfter: [6_000, 5_000])
        let store = try server.store(base, through: relay.port, time: time)
        #expect(
            try store.bytes(of: "1", from: 1000, count: 3_500_000)
                == Array(content[1000..<3_501_000]))
        #expect(!time.waits.isEmpty)
    }

    @Test(
        "a file that changes while it is sent does not get its name", arguments: ["grow", "remove"])
    func localChange(how: String) throws {
        let base = try folder()
        let path = try scratch.file("1", Scratch.bytes(2_000_000))
        var isDone = false
        let meddling = TransferWatch(progress: { _, _ in
            guard !isDone else { return }
            isDone = true
            do {
                if how == "grow" {
                    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
                    try handle.seekToEnd()
                    try handle.write(contentsOf: Data([9]))
                    try handle.close()
                } else {
                    try FileManager.default.removeItem(atPath: path)
                }
            } catch { Issue.record(error) }
        })
        let error = try failure { try server.store(base).put(path, as: "1", meddling) }
        #expect(error.code == .localChanged)
        #expect(!FileManager.default.fileExists(atPath: base + "/1"))
    }

    @Test("a put that is cancelled is gone on with later") func cancelled() throws {
        let store = try server.store()
        let path = try scratch.file("1", Scratch.bytes(8_000_000))
        var isCancelled = false
        let cancelling = TransferWatch(
            progress: { done, _ in isCancelled = done > 1_000_000 }, isCancelled: { isCancelled })
        #expect(try failure { try store.put(path, as: "1", cancelling) }.code == .cancelled)
        #expect(try store.file("1", watch) == nil)
        #expect(
            try store.put(path, as: "1", watch) == .sent(RemoteFile(name: "1", bytes: 8_000_000)))
    }

    @Test("nobody listens: said after the attempts, with the server") func nobody() throws {
        let port = try Child.freePort()
        let error = try failure { try server.store(through: port, time: time).list(watch) }
        #expect(error.code == .unreachable)
        #expect(error.message.contains("127.0.0.1:\(port)"))
        #expect(time.waits.count == 5)
    }

    @Test("a server that says nothing is found to hang") func hang() throws {
        var limits = TransferLimits()
        limits.connectMilliseconds = 500
        let (listener, port) = try Loopback.listen()
        defer { close(listener) }
        let error = try failure {
            try server.store(through: port, time: time, limits: limits).list(watch)
        }
        #expect(error.code == .timedOut)
        #expect(time.waits.count == 5)
    }
}
