import Foundation
import Testing

@testable import RemoteArchive

@Suite("Credentials of containers") struct ContainerEndpointTests {
    let scratch: Scratch
    let time = StillTime()

    private static let secret = Secrets.add("Container/Secret+0123456789")
    private static let token = Secrets.add("Container/Token+0123456789==")
    private static let authorization = Secrets.add("Bearer-Authorization/0123456789")

    init() throws { scratch = try Scratch() }

    private static func answer(_ id: String = "ID", expires: String? = nil) -> String {
        "{\"AccessKeyId\":\"\(id)\",\"SecretAccessKey\":\"\(secret)\",\"Token\":\"\(token)\""
            + (expires.map { ",\"Expiration\":\"\($0)\"" } ?? "") + ",\"RoleArn\":\"x\"}"
    }

    private func chain(
        _ server: FaultyServer, _ more: [String: String] = [:]
    ) -> CredentialsChain {
        let environment = [
            "HOME": scratch.path,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:\(server.port)/v1/credentials",
        ].merging(more) { $1 }
        return CredentialsChain(time.surroundings(environment))
    }

    private func server(_ deeds: FaultyServer.Deed...) throws -> FaultyServer {
        try FaultyServer(deeds.map { .init(start: "GET /v1/credentials", deed: $0) })
    }

    @Test("are asked for with the token of the file, which is read anew each time")
    func tokenFile() throws {
        let file = try scratch.file("token", text: "first\n")
        let server = try server(
            .answer(200, body: Self.answer(expires: "2027-01-15T08:30:00Z")),
            .answer(200, body: Self.answer("NEXT", expires: "2027-01-15T09:30:00.123Z")))
        let chain = chain(
            server,
            [
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file,
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "not this",
            ])
        let found = try chain.credentials()
        #expect(found.keyID == "ID" && found.secretKey.text == Self.secret)
        #expect(found.sessionToken?.text == Self.token)
        #expect(found.expiresUnixMilliseconds == StillTime.start + 1_800_000)

        _ = try scratch.file("token", text: Self.authorization)
        time.advance(1_800_000 - 300_001)
        #expect(try chain.credentials().keyID == "ID")
        time.advance(1)
        #expect(try chain.credentials().keyID == "NEXT")
        #expect(
            server.requests.map { $0.headers["authorization"] } == ["first", Self.authorization])
    }

    @Test("that cannot be renewed are good until they expire") func renewal() throws {
        let server = try server(
            .answer(200, body: Self.answer(expires: "2027-01-15T08:30:00Z")), .answer(404),
            .answer(404))
        let chain = chain(server)
        _ = try chain.credentials()
        time.advance(1_800_000 - 1)
        #expect(try chain.credentials().keyID == "ID")
        time.advance(1)
        #expect(try failure { try chain.credentials() }.code == .noCredentials)
        #expect(server.unmet == 0)
    }

    @Test("an endpoint that is slow to come up is asked again") func retried() throws {
        let server = try server(
            .answer(500), .reset, .answer(429), .answer(200, body: Self.answer()))
        #expect(try chain(server).credentials().expiresUnixMilliseconds == nil)
        #expect(time.waits == [500, 1000, 2000])
    }

    @Test("the environment's and the files' come first") func order() throws {
        let server = try server()
        let more = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": Self.secret]
        #expect(try chain(server, more).credentials().keyID == "ENV")
        let file = try scratch.file(
            "c", text: "[default]\naws_access_key_id=FILE\naws_secret_access_key=\(Self.secret)")
        let fromFile = try chain(server, ["AWS_SHARED_CREDENTIALS_FILE": file]).credentials()
        #expect(fromFile.keyID == "FILE")
        #expect(server.requests.isEmpty)
    }

    @Test(
        "an answer that is none is refused without what it says",
        arguments: [
            (200, ""), (200, "{}"), (200, "[]"), (200, "\(Self.secret)"),
            (200, "{\"AccessKeyId\":\"X\",\"SecretAccessKey\":\"\"}"),
            (200, Self.answer(expires: "soon")), (200, Self.answer("a b")), (403, Self.answer()),
            (302, ""),
        ])
    func answers(status: Int, body: String) throws {
        let server = try server(.answer(status, body: body))
        let error = try failure { try chain(server).credentials() }
        #expect(error.code == .noCredentials)
        #expect(error.message.contains("container"))
    }

    @Test("a token that cannot be sent ends it before anything is asked", arguments: [true, false])
    func token(isFile: Bool) throws {
        let server = try server()
        let text = "a\r\nX-Header: \(Self.authorization)"
        let more =
            isFile
            ? ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": try scratch.file("token", text: text)]
            : ["AWS_CONTAINER_AUTHORIZATION_TOKEN": text]
        #expect(try failure { try chain(server, more).credentials() }.code == .noCredentials)
        let missing = ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token"]
        #expect(
            try failure { try chain(server, missing).credentials() }.message.contains(
                "/nowhere/token"))
        #expect(server.requests.isEmpty)
    }

    @Test(
        "addresses that may be asked",
        arguments: [
            "http://127.0.0.1:80/x", "http://127.9.8.7/x", "http://localhost/x",
            "http://[::1]:80/x",
            "http://169.254.170.2/x", "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials", "https://example.org/x",
        ])
    func allowed(url: String) throws {
        let surroundings = time.surroundings(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
        #expect(try ContainerEndpoint(surroundings)?.url == url)
    }

    @Test(
        "addresses that may not",
        arguments: [
            "http://example.org/x", "http://169.254.169.254/x", "http://10.0.0.1/x",
            "ftp://127.0.0.1/x",
            "http://127.0.0.1.example.org/x", "http://user@127.0.0.1/x",
            "http://127.0.0.1@evil.org/x",
            "127.0.0.1", "/x", "http:///x", "http://127.0.0.1/a b", "http://127.1/x",
            "http://[fd00:ec2::254]/x", "http://0x7f.0.0.1/x",
        ])
    func refused(url: String) throws {
        let surroundings = time.surroundings(["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
        let error = try failure { try ContainerEndpoint(surroundings) }
        #expect(error.code == .noCredentials)
        #expect(error.message.hasPrefix("AWS_CONTAINER_CREDENTIALS_FULL_URI "))
    }

    @Test("a relative address is of the container's host, and goes first") func relative() throws {
        let environment = [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1?a=b",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/x",
        ]
        let endpoint = try ContainerEndpoint(time.surroundings(environment))
        #expect(endpoint?.url == "http://169.254.170.2/v2/credentials/1?a=b")
        for path in ["x", "@evil.org/x", "/a b", "/a#b"] {
            let other = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": path]
            let error = try failure { try ContainerEndpoint(time.surroundings(other)) }
            #expect(error.code == .noCredentials)
        }
    }

    @Test("expired ones are found behind a HEAD too, which cannot say so") func expiredHead() throws
    {
        let credentials = try server(
            .answer(200, body: Self.answer()), .answer(200, body: Self.answer("NEXT")))
        let body = "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>"
        let store = try FaultyServer([
            .init(start: "HEAD", deed: .answer(400)),
            .init(start: "GET", deed: .answer(400, body: body)),
            .init(start: "GET", deed: .answer(200, body: "x")),
            .init(start: "HEAD", deed: .answer(200, body: "x")),
        ])
        let surroundings = time.surroundings([
            "HOME": scratch.path, "AWS_ENDPOINT_URL": "http://127.0.0.1:\(store.port)",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI":
                "http://127.0.0.1:\(credentials.port)/v1/credentials",
        ])
        let s3 = try S3Store(
            RemoteLocation("s3://bucket"), S3Settings(surroundings), CredentialsChain(surroundings),
            surroundings)
        #expect(try s3.file("1", TransferWatch()) == RemoteFile(name: "1", bytes: 1))
        #expect(store.unmet == 0 && credentials.unmet == 0)
    }

    @Test("expired ones are renewed once when the server says so") func expired() throws {
        let credentials = try server(
            .answer(200, body: Self.answer()), .answer(200, body: Self.answer("NEXT")))
        let body = "<Error><Code>ExpiredToken</Code><Message>m</Message></Error>"
        let store = try FaultyServer([
            .init(start: "GET", deed: .answer(400, body: body)),
            .init(start: "GET", deed: .answer(200, body: "<ListBucketResult></ListBucketResult>")),
        ])
        let surroundings = time.surroundings([
            "HOME": scratch.path, "AWS_ENDPOINT_URL": "http://127.0.0.1:\(store.port)",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI":
                "http://127.0.0.1:\(credentials.port)/v1/credentials",
        ])
        let s3 = try S3Store(
            RemoteLocation("s3://bucket"), S3Settings(surroundings), CredentialsChain(surroundings),
            surroundings)
        #expect(try s3.list(TransferWatch()) == [])
        let signers = store.requests.map { $0.headers["authorization"] ?? "" }
        #expect(signers.count == 2)
        #expect(signers[0].contains("Credential=ID/") && signers[1].contains("Credential=NEXT/"))
    }
}
