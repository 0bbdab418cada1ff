import Foundation
import Testing

@testable import RemoteArchive

@Suite("Files in S3") struct S3StoreTests {
    let moto: Moto
    let scratch: Scratch
    let watch = TransferWatch()

    init() throws {
        moto = try Moto.shared.get()
        scratch = try Scratch()
    }

    @Test("what is put is there with its size and checksum, and its bytes come back")
    func roundTrip() throws {
        let store = try moto.store()
        let content = Scratch.bytes(3_000_001)
        let path = try scratch.file("1", content)
        var steps: [Int64] = []
        let following = TransferWatch(progress: { done, total in
            #expect(total == 3_000_001)
            steps.append(done)
        })

        let outcome = try store.put(path, as: "000001.pcapng.lz4", following)

        let file = try #require(try store.file("000001.pcapng.lz4", watch))
        #expect(outcome == .sent(file))
        #expect(file.bytes == 3_000_001)
        #expect(file.checksum == .sha256(try LocalFile(path).digests(ofEach: .max, watch)[0]))
        #expect(steps.last == 3_000_001 && steps == steps.sorted() && steps.count > 2)
        #expect(try store.bytes(of: "000001.pcapng.lz4", from: 0, count: 3_000_001) == content)
        #expect(
            try store.bytes(of: "000001.pcapng.lz4", from: 1_000_000, count: 70_000)
                == Array(content[1_000_000..<1_070_000]))
        #expect(try store.bytes(of: "000001.pcapng.lz4", from: 3_000_001, count: 0) == [])
    }

    @Test("an empty file is kept") func empty() throws {
        let store = try moto.store()
        _ = try store.put(scratch.file("1", []), as: "1", watch)
        #expect(try store.file("1", watch)?.bytes == 0)
    }

    @Test(
        "ranges that do not lie within the file are refused",
        arguments: [(90, 11), (100, 1), (101, 5)])
    func outside(offset: Int, count: Int) throws {
        let store = try moto.store()
        _ = try store.put(scratch.file("1", Scratch.bytes(100)), as: "1", watch)
        let error = try failure { try store.bytes(of: "1", from: Int64(offset), count: count) }
        #expect(error.code == .outsideRange)
    }

    @Test("what is not there: no file, nothing to delete, nothing to read") func absent() throws {
        let store = try moto.store()
        #expect(try store.file("1", watch) == nil)
        #expect(try store.compare(scratch.file("1", [1]), with: "1", watch) == .absent)
        try store.delete("1", watch)
        #expect(try failure { try store.bytes(of: "1", from: 0, count: 1) }.code == .absent)
    }

    @Test("the same content is not sent again, other content is not written over") func again()
        throws
    {
        let store = try moto.store()
        let path = try scratch.file("1", Scratch.bytes(5000))
        _ = try store.put(path, as: "1", watch)
        let file = try #require(try store.file("1", watch))
        #expect(try store.put(path, as: "1", watch) == .alreadyThere(file))
        #expect(try store.compare(path, with: "1", watch) == .same(file))

        for other in [Scratch.bytes(5000, seed: 2), Scratch.bytes(5001)] {
            let otherPath = try scratch.file("other", other)
            #expect(try store.compare(otherPath, with: "1", watch) == .different(file))
            let error = try failure { try store.put(otherPath, as: "1", watch) }
            #expect(error.code == .conflict)
            #expect(error.message.hasPrefix("s3://b-"))
        }
        #expect(try store.bytes(of: "1", from: 0, count: 5000) == Scratch.bytes(5000))
    }

    @Test("lists what lies under the prefix itself, and deletes") func list() throws {
        let lenient = try Moto.lenient.get()
        let server = try lenient.faulty()
        let name = "b-" + UUID().uuidString.lowercased()
        let store = try lenient.store(name, prefix: "/captures/node-1", through: server.port)
        let path = try scratch.file("1", [1, 2, 3])
        for number in 0..<5 { _ = try store.put(path, as: "00000\(number).lz4", watch) }
        for prefix in ["", "/captures", "/captures/node-1/deeper", "/captures/node-10"] {
            let other = try lenient.store(name, makesBucket: false, prefix: prefix)
            _ = try other.put(path, as: "elsewhere", watch)
        }
        var expected = (0..<5).map { RemoteFile(name: "00000\($0).lz4", bytes: 3) }
        #expect(try store.list(watch) == expected)
        try store.delete("000003.lz4", watch)
        expected.remove(at: 3)
        #expect(try store.list(watch) == expected)
        let root = try lenient.store(name, makesBucket: false, through: server.port)
        #expect(try root.list(watch).map(\.name) == ["elsewhere"])
        let nothing = try lenient.store(
            name, makesBucket: false, prefix: "/nothing", through: server.port)
        #expect(try nothing.list(watch) == [])
    }

    @Test("lists page after page") func pages() throws {
        let lenient = try Moto.lenient.get()
        let name = "b-" + UUID().uuidString.lowercased()
        let store = try lenient.store(name)
        let first =
            "<ListBucketResult><IsTruncated>true</IsTruncated>"
            + "<NextContinuationToken>a/b+c&amp;d=</NextContinuationToken>"
            + "<Contents><Key>1</Key><Size>7</Size></Contents>"
            + "<Contents><Key>not/ours</Key><Size>7</Size></Contents></ListBucketResult>"
        _ = try store.put(scratch.file("2", [1, 2]), as: "2", watch)
        let server = try lenient.faulty([
            .init(start: "GET /\(name)/?", deed: .answer(200, body: first))
        ])
        let paged = try lenient.store(name, makesBucket: false, through: server.port)
        _ = try? paged.list(watch)
        let second = try #require(server.requests.last).line
        #expect(second.contains("continuation-token=a%2Fb%2Bc%26d%3D&delimiter=%2F&list-type=2"))
    }

    @Test(
        "odd prefixes are signed right",
        arguments: [
            "/a%20b", "/%C3%A4", "/a+b=c&d", "/~x/(y)'*!", "/a%25b",
        ])
    func prefixes(prefix: String) throws {
        let lenient = try Moto.lenient.get()
        let server = try lenient.faulty()
        let store = try lenient.store(prefix: prefix, through: server.port)
        _ = try store.put(scratch.file("1", [1, 2, 3]), as: "1", watch)
        #expect(try store.list(watch) == [RemoteFile(name: "1", bytes: 3)])
        #expect(try store.bytes(of: "1", from: 1, count: 2) == [2, 3])
    }

    @Test("a wrong secret is refused at once, in a line that says what to do") func secret() throws
    {
        let time = StillTime()
        let wrong = ["AWS_SECRET_ACCESS_KEY": Secrets.add("wrong-Secret/0123456789")]
        let store = try moto.store(changes: wrong, time: time)
        let path = try scratch.file("1", [1])
        let errors = [
            try failure { try store.file("1", watch) },
            try failure { try store.put(path, as: "1", watch) },
            try failure { try store.bytes(of: "1", from: 0, count: 1) },
            try failure { try store.delete("1", watch) },
        ]
        for error in errors {
            #expect(error.code == .denied)
            #expect(error.message.contains("SignatureDoesNotMatch"))
            #expect(error.remedy == "check the credentials and what they may do with the bucket")
        }
        #expect(time.waits == [])
    }

    @Test("a bucket that vanished is named in each error") func bucket() throws {
        let name = "b-" + UUID().uuidString.lowercased()
        let store = try moto.store(name)
        try moto.removeBucket(name)
        let path = try scratch.file("1", [1])
        let errors = [
            try failure { try store.file("1", watch) },
            try failure { try store.put(path, as: "1", watch) },
            try failure { try store.delete("1", watch) },
        ]
        for error in errors {
            #expect(error.code == .noBucket)
            #expect(error.message.contains(name))
        }
    }

    @Test(
        "names that are none are refused before anything is asked",
        arguments: [
            "", ".", "..", ".x", "a/b", "a b", "x.part", "ä", "-f",
            String(repeating: "a", count: 201),
        ])
    func names(name: String) throws {
        let store = try moto.store("never-made", makesBucket: false)
        #expect(try failure { try store.file(name, watch) }.code == .refused)
        #expect(try failure { try store.put("/nowhere", as: name, watch) }.code == .refused)
    }

    @Test(
        "a local file that is none is refused with its path",
        arguments: ["/nowhere/at-all", "/tmp"])
    func local(path: String) throws {
        let store = try moto.store("never-made", makesBucket: false)
        let error = try failure { try store.put(path, as: "1", watch) }
        #expect(error.code == .localUnreadable)
        #expect(error.message.hasPrefix(path))
    }

    @Test(
        "a file that changes, grows or goes while it is sent is not kept",
        arguments: [
            "change", "grow", "remove",
        ])
    func localChange(how: String) throws {
        let store = try moto.store()
        let path = try scratch.file("1", Scratch.bytes(2_000_000))
        var isDone = false
        let meddling = TransferWatch(progress: { _, _ in
            guard !isDone else { return }
            isDone = true
            do {
                let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
                switch how {
                case "change": try handle.write(contentsOf: Data([9]))
                case "grow":
                    try handle.seekToEnd()
                    try handle.write(contentsOf: Data([9]))
                default: try FileManager.default.removeItem(atPath: path)
                }
                try handle.close()
            } catch { Issue.record(error) }
        })
        let error = try failure { try store.put(path, as: "1", meddling) }
        #expect(error.code == .localChanged)
        #expect(error.message.contains(path))
        #expect(try store.file("1", watch) == nil)
    }

    @Test("a put that is cancelled leaves nothing") func cancelled() throws {
        let store = try moto.store()
        let path = try scratch.file("1", Scratch.bytes(2_000_000))
        var isCancelled = false
        let cancelling = TransferWatch(
            progress: { done, _ in isCancelled = done > 100_000 }, isCancelled: { isCancelled })
        #expect(try failure { try store.put(path, as: "1", cancelling) }.code == .cancelled)
        #expect(try store.file("1", watch) == nil)
    }
}
