import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

@Suite("S3 that fails") struct S3FaultTests {
    let moto: Moto
    let scratch: Scratch
    let watch = TransferWatch()
    let time = StillTime()
    let bucket = "b-" + UUID().uuidString.lowercased()

    init() throws {
        moto = try Moto.lenient.get()
        scratch = try Scratch()
        try moto.makeBucket(bucket)
    }

    private func store(
        _ server: FaultyServer, policy: RetryPolicy = RetryPolicy(), quietSeconds: Int = 60,
        adjust: (inout S3Settings) -> Void = { _ in }
    ) throws -> S3Store {
        var limits = TransferLimits()
        limits.quietSeconds = quietSeconds
        return try moto.store(
            bucket, makesBucket: false, through: server.port, time: time, policy: policy,
            limits: limits, adjust: adjust)
    }

    private static func error(_ code: String, _ message: String = "why", more: String = "")
        -> String
    {
        "<?xml version=\"1.0\"?>\n<Error><Code>\(code)</Code><Message>\(message)</Message>\(more)"
            + "<RequestId>1</RequestId></Error>"
    }

    @Test(
        "what passes by itself is tried again until it has passed",
        arguments: [
            FaultyServer.Deed.answer(500, body: Self.error("InternalError")), .answer(502),
            .answer(503, body: Self.error("SlowDown")), .answer(504), .answer(429), .reset,
            .answer(400, body: Self.error("RequestTimeout")), .cutAnswer(bytes: 10), .loseAnswer,
            .answer(400, body: Self.error("BadDigest")),
            .answer(409, body: Self.error("OperationAborted")),
        ])
    func passing(deed: FaultyServer.Deed) throws {
        let content = Scratch.bytes(200_000)
        let path = try scratch.file("1", content)
        let fault = { FaultyServer.Fault(start: $0, deed: deed) }
        let server = try moto.faulty(
            ["HEAD", "PUT", "GET", "GET", "DELETE"].map(fault))
        let store = try store(server)

        let outcome = try store.put(path, as: "1", watch)
        let read = try store.bytes(of: "1", from: 0, count: content.count)
        let files = try store.list(watch)
        try store.delete("1", watch)

        #expect(
            outcome
                == .sent(
                    RemoteFile(
                        name: "1", bytes: 200_000,
                        checksum: .sha256(try LocalFile(path).digests(ofEach: .max, watch)[0]))))
        #expect(read == content)
        #expect(files.map(\.bytes) == [200_000])
        #expect(try moto.store(bucket, makesBucket: false).file("1", watch) == nil)
        #expect(server.unmet == 0)
        #expect(!time.waits.isEmpty)
    }

    @Test("a cut answer is gone on with where it was cut, of the same content alone") func cut()
        throws
    {
        let content = Scratch.bytes(300_000)
        _ = try moto.store(bucket, makesBucket: false).put(
            scratch.file("1", content), as: "1", watch)
        let server = try moto.faulty([
            .init(start: "GET /\(bucket)/1 ", deed: .cutAnswer(bytes: 100_000)),
            .init(start: "GET /\(bucket)/1 ", deed: .cutAnswer(bytes: 50_000)),
        ])
        let store = try store(server)
        #expect(
            try store.bytes(of: "1", from: 1000, count: 250_000) == Array(content[1000..<251_000]))
        let gets = server.requests
        #expect(
            gets.map { $0.headers["range"] }
                == ["bytes=1000-250999", "bytes=101000-250999", "bytes=151000-250999"])
        #expect(gets[0].headers["if-match"] == nil)
        #expect(gets[1].headers["if-match"]?.hasPrefix("\"") == true)
    }

    @Test("content that changes while it is read is not mixed") func mixed() throws {
        _ = try moto.store(bucket, makesBucket: false).put(
            scratch.file("1", Scratch.bytes(1000)), as: "1", watch)
        let server = try moto.faulty([
            .init(start: "GET", deed: .cutAnswer(bytes: 100)),
            .init(start: "GET", deed: .answer(412)),
        ])
        let store = try store(server)
        #expect(try failure { try store.bytes(of: "1", from: 0, count: 1000) }.code == .conflict)
    }

    @Test(
        "a server that gives another range, or all, is not believed",
        arguments: [
            (200, []), (206, ["Content-Range: bytes 1-5/9"]), (206, ["Content-Range: bytes 0-5/9"]),
            (206, ["Content-Range: words"]),
        ])
    func range(status: Int, headers: [String]) throws {
        let server = try FaultyServer([
            .init(start: "GET", deed: .answer(status, headers: headers, body: "abcde"))
        ])
        let store = try store(server)
        var seen = 0
        let error = try failure {
            try store.read("1", from: 0, count: 5, watch) { seen += $0.count }
        }
        #expect([.malformedAnswer, .outsideRange].contains(error.code))
        #expect(seen == 0)
    }

    @Test("waits grow twofold up to the most, and the attempts end") func waits() throws {
        let server = try FaultyServer(
            (1...9).map { _ in .init(start: "HEAD", deed: .answer(500)) })
        let error = try failure { try store(server).file("1", watch) }
        #expect(error.code == .serverFailed)
        #expect(error.message.hasSuffix("(tried 6 times)"))
        #expect(time.waits == [500, 1000, 2000, 4000, 8000])
    }

    @Test("a server that says when is asked again then, not before") func retryAfter() throws {
        let server = try moto.faulty([
            .init(start: "HEAD", deed: .answer(503, headers: ["Retry-After: 17"]))
        ])
        #expect(try store(server).file("1", watch) == nil)
        #expect(time.waits == [17_000])
    }

    @Test("a server that says nothing is found to hang") func hang() throws {
        var policy = RetryPolicy()
        policy.attemptsMax = 2
        let server = try FaultyServer([
            .init(start: "GET", deed: .hang), .init(start: "GET", deed: .hang),
        ])
        let error = try failure { try store(server, policy: policy, quietSeconds: 1).list(watch) }
        #expect(error.code == .timedOut)
        #expect(server.unmet == 0)
    }

    @Test("a call that waits for a server that hangs can be cancelled") func cancel() throws {
        let server = try FaultyServer([.init(start: "GET", deed: .hang)])
        let cancelling = TransferWatch(isCancelled: { !server.requests.isEmpty })
        #expect(try failure { try store(server).list(cancelling) }.code == .cancelled)
    }

    @Test("nobody listens: said after the attempts, with the endpoint") func nobody() throws {
        let port = try Child.freePort()
        let store = try moto.store(bucket, makesBucket: false, through: port, time: time)
        let error = try failure { try store.list(watch) }
        #expect(error.code == .unreachable)
        #expect(error.message.contains("http://127.0.0.1:\(port)"))
        #expect(time.waits.count == 5)
    }

    @Test(
        "what no waiting helps against ends at once, with what to do",
        arguments: [
            (403, "RequestTimeTooSkewed", RemoteError.Code.clockSkewed, "clock"),
            (403, "AccessDenied", .denied, "credentials"),
            (403, "InvalidAccessKeyId", .denied, "credentials"),
            (400, "ExpiredToken", .credentialsExpired, "new credentials"),
            (404, "NoSuchBucket", .noBucket, "bucket"),
            (400, "AuthorizationHeaderMalformed", .wrongRegion, "AWS_REGION to eu-west-7"),
            (301, "PermanentRedirect", .wrongRegion, "AWS_REGION to eu-west-7"),
            (507, "InsufficientStorage", .diskFull, "space"),
        ])
    func final(status: Int, name: String, code: RemoteError.Code, remedy: String) throws {
        let body = Self.error(name, more: "<Region>eu-west-7</Region>")
        let server = try FaultyServer(
            ["HEAD", "GET", "GET", "GET", "GET", "GET"].map {
                .init(start: $0, deed: .answer(status, body: body))
            })
        let store = try store(server)
        let errors = [
            try failure { try store.list(watch) }, try failure { try store.file("1", watch) },
        ]
        for error in errors {
            #expect(error.code == code)
            #expect(error.message.contains(name))
            #expect(error.remedy.contains(remedy))
        }
        #expect(time.waits == [])
    }

    @Test(
        "answers that are none of S3 are refused",
        arguments: [
            "", "<", "<html><body>Welcome</body></html>", "not found", "<ListBucketResult>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
            "<ListBucketResult><Contents><Key>1</Key></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ])
    func garbage(body: String) throws {
        let server = try FaultyServer([.init(start: "GET", deed: .answer(200, body: body))])
        #expect(try failure { try store(server).list(watch) }.code == .malformedAnswer)
    }

    @Test("what a server says is shown in one line, without the secret, cut") func said() throws {
        let message = "a\nb\u{7}c \(moto.secretKey) " + String(repeating: "x", count: 5000)
        let server = try FaultyServer([
            .init(start: "GET", deed: .answer(403, body: Self.error("AccessDenied", message)))
        ])
        let error = try failure { try store(server).list(watch) }
        #expect(error.message.contains("a b c (secret) xxx"))
        #expect(error.message.count < 400)
    }

    @Test(
        "a name that is taken meanwhile is compared, and never written over",
        arguments: [true, false])
    func race(isSame: Bool) throws {
        let other = try moto.store(bucket, makesBucket: false)
        let path = try scratch.file("1", Scratch.bytes(1000))
        let theirs = try scratch.file("2", Scratch.bytes(1000, seed: isSame ? 1 : 2))
        let server = try moto.faulty()
        let store = try store(server)
        var isDone = false
        // Between the look at the name and the end of the put.
        let racing = TransferWatch(progress: { _, _ in
            guard !isDone else { return }
            isDone = true
            do { _ = try other.put(theirs, as: "1", watch) } catch { Issue.record(error) }
        })
        if isSame {
            guard case .sent = try store.put(path, as: "1", racing) else {
                Issue.record("not sent")
                return
            }
        } else {
            #expect(try failure { try store.put(path, as: "1", racing) }.code == .conflict)
        }
        #expect(
            try other.bytes(of: "1", from: 0, count: 1000)
                == Scratch.bytes(1000, seed: isSame ? 1 : 2))
    }

    @Test("a server without checksums is compared by reading") func noChecksum() throws {
        let path = try scratch.file("1", Scratch.bytes(70_000))
        _ = try moto.store(bucket, makesBucket: false).put(path, as: "1", watch)
        let head = FaultyServer.Fault(
            start: "HEAD", deed: .answer(200, body: String(repeating: "x", count: 70_000)))
        let server = try moto.faulty([head, head])
        let store = try store(server)
        #expect(
            try store.put(path, as: "1", watch)
                == .alreadyThere(RemoteFile(name: "1", bytes: 70_000)))
        #expect(server.lines("GET").count == 1)
        let other = try scratch.file("2", Scratch.bytes(70_000, seed: 2))
        #expect(try failure { try store.put(other, as: "1", watch) }.code == .conflict)
    }

    @Test("a session token is sent and signed") func token() throws {
        let server = try moto.faulty()
        let store = try moto.store(
            bucket, makesBucket: false, through: server.port,
            changes: ["AWS_SESSION_TOKEN": Secrets.add("token-Of/This+Session==")])
        _ = try? store.file("1", watch)
        let headers = try #require(server.requests.first).headers
        #expect(headers["x-amz-security-token"] == "token-Of/This+Session==")
        #expect(headers["authorization"]?.contains("x-amz-security-token") == true)
    }
}
