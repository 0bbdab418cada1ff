import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

/// moto, a server that speaks S3, with one user who may do anything in S3.
///
/// It checks signatures, of requests without escapes: those it undoes before it checks. Whoever has
/// some asks through a `FaultyServer`, which checks them all, and moto that does not.
final class Moto: Sendable {
    let port: Int
    let keyID: String
    let secretKey: String
    private let child: Child

    /// One for all tests; each makes buckets of its own.
    static let shared = Result { try Moto(checksSignatures: true) }
    static let lenient = Result { try Moto(checksSignatures: false) }

    /// Of the first four actions moto checks no signature.
    private static let script = """
        import boto3, json, sys
        at = dict(endpoint_url=sys.argv[1], region_name="us-east-1")
        none = dict(aws_access_key_id="none", aws_secret_access_key="none")
        iam = boto3.client("iam", **at, **none)
        iam.create_user(UserName="archiver")
        key = iam.create_access_key(UserName="archiver")["AccessKey"]
        policy = {"Version": "2012-10-17", "Statement":
            [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(
            UserName="archiver", PolicyName="all", PolicyDocument=json.dumps(policy))
        boto3.client("s3", **at, **none).create_bucket(Bucket="first-bucket")
        print(key["AccessKeyId"], key["SecretAccessKey"])
        """

    /// With a certificate that it signed itself, in a file, for an encrypted connection.
    init(certificate: String, key: String) throws {
        let program = try Self.program()
        child = try Child(
            [
                program, "-H", "127.0.0.1", "-p", "0", "-c", certificate, "-k", key,
            ], environment: ["PYTHONUNBUFFERED": "1"])
        port = try Self.port(child.wait(for: "CTRL+C"), "https")
        keyID = "ID"
        secretKey = "SECRET"
    }

    private static func program() throws -> String {
        try #require(
            Child.program([Child.root + "/.build/tools/moto/bin/moto_server", "moto_server"]),
            "moto is missing: run `scripts/setup tests`")
    }

    private static func port(_ said: String, _ scheme: String) throws -> Int {
        let mark = try #require(said.range(of: "\(scheme)://127.0.0.1:"))
        return try #require(Int(said[mark.upperBound...].prefix { $0.isNumber }))
    }

    private init(checksSignatures: Bool) throws {
        let program = try Self.program()
        child = try Child(
            [program, "-H", "127.0.0.1", "-p", "0"],
            environment: [
                "INITIAL_NO_AUTH_ACTION_COUNT": checksSignatures ? "4" : "inf",
                "PYTHONUNBUFFERED": "1",
            ])
        port = try Self.port(child.wait(for: "CTRL+C"), "http")
        let python = URL(fileURLWithPath: program).deletingLastPathComponent().path + "/python3"
        let keys = try Child.run([python, "-c", Self.script, "http://127.0.0.1:\(port)"])
            .split(whereSeparator: \.isWhitespace)
        try #require(keys.count == 2)
        keyID = String(keys[0])
        secretKey = Secrets.add(String(keys[1]))
    }

    var environment: [String: String] {
        [
            "AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secretKey,
            "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:\(port)",
        ]
    }

    /// A store in a bucket of its own, through another port where one is given.
    func store(
        _ name: String = "b-" + UUID().uuidString.lowercased(), makesBucket: Bool = true,
        prefix: String = "", through port: Int? = nil,
        changes: [String: String] = [:], time: StillTime = StillTime(),
        policy: RetryPolicy = RetryPolicy(), limits: TransferLimits = TransferLimits(),
        adjust: (inout S3Settings) -> Void = { _ in }
    ) throws -> S3Store {
        if makesBucket { try makeBucket(name) }
        var environment = environment
        if let port { environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:\(port)" }
        let surroundings = time.surroundings(environment.merging(changes) { $1 })
        var settings = try S3Settings(surroundings)
        adjust(&settings)
        return try S3Store(
            RemoteLocation("s3://\(name)\(prefix)"), settings, CredentialsChain(surroundings),
            surroundings, limits: limits, policy: policy)
    }

    /// Between stores and this.
    func faulty(_ faults: [FaultyServer.Fault] = []) throws -> FaultyServer {
        try FaultyServer(faults, upstream: port, secret: secretKey)
    }

    func makeBucket(_ name: String) throws { try perform(name, .put) }

    func removeBucket(_ name: String) throws { try perform(name, .delete) }

    func client(_ bucket: String) throws -> S3Client {
        let surroundings = StillTime().surroundings(environment)
        return try S3Client(
            bucket: bucket, S3Settings(surroundings), CredentialsChain(surroundings),
            TransferLimits())
    }

    private func perform(_ bucket: String, _ method: S3Client.Method) throws {
        var request = S3Client.Request(method: method)
        if method == .put { request.body = MemoryBody([]) }
        _ = try client(bucket).perform(request, TransferWatch())
    }
}
