import Foundation
import Testing

@testable import RemoteArchive

@Suite("Large files in S3", .serialized) struct S3MultipartTests {
    static let mebibyte = 1 << 20
    static let bytes = 66 * mebibyte + 12_345
    static let content = Scratch.bytes(bytes)
    /// Eight of 8 MiB and one of the rest.
    static let parts = 9

    let moto: Moto
    let scratch: Scratch
    let path: String
    let watch = TransferWatch()
    let bucket = "b-" + UUID().uuidString.lowercased()

    init() throws {
        moto = try Moto.lenient.get()
        scratch = try Scratch()
        path = try scratch.file("large", Self.content)
        try moto.makeBucket(bucket)
    }

    private func store(_ server: FaultyServer) throws -> S3Store {
        try moto.store(bucket, makesBucket: false, prefix: "/captures", through: server.port)
    }

    private func sent(_ server: FaultyServer) -> [Int] {
        server.lines("PUT").compactMap { line in
            line.range(of: "partNumber=").flatMap {
                Int(line[$0.upperBound...].prefix { $0.isNumber })
            }
        }
    }

    @Test("is sent in parts, each with its checksum, and is whole") func parts() throws {
        let server = try moto.faulty()
        let store = try store(server)
        var steps: [Int64] = []
        let following = TransferWatch(progress: { done, _ in steps.append(done) })

        guard case .sent(let file) = try store.put(path, as: "1", following) else {
            Issue.record("not sent")
            return
        }

        #expect(file.bytes == Int64(Self.bytes))
        let digests = try LocalFile(path).digests(ofEach: 8 << 20, watch)
        // moto leaves out how many parts it is of.
        guard case .sha256OfParts(let digest, Self.parts) = S3Answers.checksum(of: digests) else {
            Issue.record("not of parts")
            return
        }
        #expect(file.checksum == .sha256(digest))
        #expect(sent(server) == Array(1...Self.parts))
        #expect(steps.last == Int64(Self.bytes) && steps == steps.sorted())
        #expect(try store.compare(path, with: "1", watch) == .same(file))
        #expect(try store.put(path, as: "1", watch) == .alreadyThere(file))
        var read: [UInt8] = []
        try store.read("1", from: 0, count: file.bytes, watch) { read += $0 }
        #expect(read == Self.content)
    }

    @Test("an interrupted upload is gone on with: parts that are there are kept") func resume()
        throws
    {
        let broken = try moto.faulty()
        var isCancelled = false
        let interrupting = TransferWatch(
            progress: { done, _ in isCancelled = done > 30 << 20 }, isCancelled: { isCancelled })
        #expect(
            try failure { try store(broken).put(path, as: "1", interrupting) }.code == .cancelled)
        #expect(try store(broken).file("1", watch) == nil)

        let server = try moto.faulty()
        var first: Int64?
        let following = TransferWatch(progress: { done, _ in first = first ?? done })
        _ = try store(server).put(path, as: "1", following)

        #expect(sent(server) == Array(4...Self.parts))
        #expect(first == 24 << 20)
        #expect(try store(server).file("1", watch)?.bytes == Int64(Self.bytes))
        #expect(try unfinished() == 0)
    }

    @Test("an unfinished upload of other content is removed") func other() throws {
        let otherPath = try scratch.file("other", Scratch.bytes(Self.bytes, seed: 2))
        let broken = try moto.faulty()
        var isCancelled = false
        let interrupting = TransferWatch(
            progress: { done, _ in isCancelled = done > 10 << 20 }, isCancelled: { isCancelled })
        _ = try failure { try store(broken).put(otherPath, as: "1", interrupting) }
        #expect(try unfinished() == 1)

        let server = try moto.faulty()
        _ = try store(server).put(path, as: "1", watch)

        #expect(sent(server) == Array(1...Self.parts))
        #expect(server.lines("DELETE").count == 1)
        #expect(try unfinished() == 0)
    }

    @Test("parts and steps that fail are tried again, each alone") func faults() throws {
        let server = try moto.faulty([
            .init(start: "POST", part: "?uploads=", deed: .answer(500)),
            .init(start: "GET", part: "uploads=", deed: .reset),
            .init(start: "PUT", part: "partNumber=3&", deed: .answer(503)),
            .init(start: "PUT", part: "partNumber=3&", deed: .reset),
            .init(start: "PUT", part: "partNumber=7&", deed: .loseAnswer),
            .init(
                start: "POST", part: "?uploadId=",
                deed: .answer(200, body: "<Error><Code>InternalError</Code></Error>")),
        ])
        _ = try store(server).put(path, as: "1", watch)
        #expect(sent(server) == [1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 8, 9])
        #expect(server.unmet == 0)
        #expect(server.lines("POST").count == 4)
    }

    @Test(
        "an error behind status 200 is an error, and the name stays free",
        arguments: [
            ("<Error><Code>AccessDenied</Code></Error>", RemoteError.Code.denied),
            ("<html></html>", .malformedAnswer), ("garbage", .malformedAnswer),
        ])
    func complete(body: String, code: RemoteError.Code) throws {
        let server = try moto.faulty([
            .init(start: "POST", part: "?uploadId=", deed: .answer(200, body: body))
        ])
        #expect(try failure { try store(server).put(path, as: "1", watch) }.code == code)
        #expect(try store(server).file("1", watch) == nil)
    }

    @Test("a completion whose answer was lost is found to have succeeded") func lostCompletion()
        throws
    {
        let server = try moto.faulty([
            .init(start: "POST", part: "?uploadId=", deed: .loseAnswer)
        ])
        guard case .sent(let file) = try store(server).put(path, as: "1", watch) else {
            Issue.record("not sent")
            return
        }
        #expect(file.bytes == Int64(Self.bytes))
    }

    @Test("a file that changes between parts leaves nothing, not even parts") func changed() throws
    {
        let server = try moto.faulty()
        var isDone = false
        let meddling = TransferWatch(progress: { done, _ in
            guard done > 20 << 20, !isDone else { return }
            isDone = true
            do {
                let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
                try handle.write(contentsOf: Data([0xEE]))
                try handle.close()
            } catch { Issue.record(error) }
        })
        #expect(
            try failure { try store(server).put(path, as: "1", meddling) }.code == .localChanged)
        #expect(try store(server).file("1", watch) == nil)
        #expect(try unfinished() == 0)
    }

    private func unfinished() throws -> Int {
        var request = S3Client.Request(method: .get)
        request.query = ["uploads": ""]
        let answer = try moto.client(bucket).perform(request, watch).answer
        return try S3Answers.uploads(XMLTree.parse(answer), of: "captures/1").count
    }
}

@Suite("How files are cut") struct PartPlanTests {
    @Test(
        "parts cover the file, none too small, not too many",
        arguments: [
            (0, 1), (1, 1), (64 << 20, 1), ((64 << 20) + 1, 9), (72 << 20, 9),
            (80_000 << 20, 10_000),
            (80_001 << 20, 8889), (5 << 40, 9987),
        ] as [(Int64, Int)])
    func parts(bytes: Int64, count: Int) throws {
        let plan = try PartPlan(bytes: bytes)
        #expect(plan.count == count)
        #expect((1...plan.count).reduce(0) { $0 + plan.size(of: $1) } == bytes)
        #expect(plan.count == 1 || plan.partBytes >= PartPlan.partBytesMin)
        #expect(plan.offset(of: plan.count) + plan.size(of: plan.count) == bytes)
    }

    @Test("more than S3 keeps is refused") func tooLarge() throws {
        #expect(try failure { try PartPlan(bytes: 5 << 40 | 1) }.code == .refused)
    }
}
