import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

@Suite("Where buckets are asked for") struct S3SettingsTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func settings(
        _ environment: [String: String], region: String? = nil, endpoint: String? = nil,
        style: S3Settings.Style? = nil
    ) throws(RemoteError) -> S3Settings {
        let all = ["HOME": scratch.path].merging(environment) { $1 }
        return try S3Settings(
            region: region, endpoint: endpoint, style: style, StillTime().surroundings(all))
    }

    @Test(
        "on AWS the bucket is part of the host, elsewhere of the path",
        arguments: [
            (["AWS_REGION": "eu-west-1"], "bucket", "https://bucket.s3.eu-west-1.amazonaws.com"),
            (
                ["AWS_DEFAULT_REGION": "eu-west-2"], "bucket",
                "https://bucket.s3.eu-west-2.amazonaws.com"
            ),
            (
                ["AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"], "bucket",
                "https://bucket.s3.eu-west-1.amazonaws.com"
            ),
            (
                ["AWS_REGION": "cn-north-1"], "bucket",
                "https://bucket.s3.cn-north-1.amazonaws.com.cn"
            ),
            (["AWS_REGION": "eu-west-1"], "a.b", "https://s3.eu-west-1.amazonaws.com/a.b"),
            (["AWS_ENDPOINT_URL": "http://h:9000"], "bucket", "http://h:9000/bucket"),
            (["AWS_ENDPOINT_URL": "HTTPS://h/"], "bucket", "https://h/bucket"),
            (
                ["AWS_ENDPOINT_URL": "http://h", "AWS_ENDPOINT_URL_S3": "http://[::1]:9000"],
                "bucket",
                "http://[::1]:9000/bucket"
            ),
        ])
    func url(environment: [String: String], bucket: String, url: String) throws {
        #expect(try settings(environment).url(bucket: bucket) == url)
    }

    @Test("what is given goes before the environment, that before the file") func order() throws {
        let file = try scratch.file(
            "f", text: "[default]\nregion = file-1\nendpoint_url = http://file:1\n")
        var environment = ["AWS_CONFIG_FILE": file]
        var found = try settings(environment)
        #expect(found.region == "file-1" && found.endpoint == "http://file:1")
        environment["AWS_REGION"] = "env-1"
        environment["AWS_ENDPOINT_URL"] = "http://env:1"
        found = try settings(environment)
        #expect(found.region == "env-1" && found.endpoint == "http://env:1")
        found = try settings(environment, region: "x-1", endpoint: "http://x:1", style: .host)
        #expect(found.region == "x-1" && found.url(bucket: "b") == "http://b.x:1")
        #expect(try settings(["AWS_REGION": "x-1"], style: .path).url(bucket: "b").hasSuffix("/b"))
    }

    @Test("without a region there is a line that says so; other servers need none") func region()
        throws
    {
        let error = try failure { try settings([:]) }
        #expect(error.description == "no region of AWS is given; set AWS_REGION, as to eu-west-1")
        #expect(try settings(["AWS_ENDPOINT_URL": "http://h"]).region == "us-east-1")
        for region in ["a b", "a:b", "a.b", "ä", "a/b"] {
            #expect(try failure { try settings([:], region: region) }.code == .refused)
        }
    }

    @Test(
        "endpoints that are none are refused, without what may be a password",
        arguments: [
            "h", "h:9000", "ftp://h", "http://", "http://u:hunter2@h", "http://h/path",
            "http://h?x=hunter2",
            "http://h#x", "http://h ", "http://h:x",
        ])
    func endpoint(text: String) throws {
        let error = try failure { try settings([:], endpoint: text) }
        #expect(error.code == .refused)
        #expect(!error.description.contains("hunter2"))
    }

    @Test("a server whose certificate nobody vouches for is not talked to; AWS_CA_BUNDLE vouches")
    func certificate() throws {
        let program = try #require(
            Child.program(["openssl"]), "openssl is missing: run `scripts/setup tests`")
        let (key, certificate) = (scratch.path + "/key", scratch.path + "/certificate")
        try Child.run([
            program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ])
        let moto = try Moto(certificate: certificate, key: key)
        let name = "b-" + UUID().uuidString.lowercased()
        let time = StillTime()
        let store = { (more: [String: String]) in
            let endpoint = ["AWS_ENDPOINT_URL": "https://127.0.0.1:\(moto.port)"]
            return try moto.store(
                name, makesBucket: false, changes: endpoint.merging(more) { $1 }, time: time)
        }
        let watch = TransferWatch()
        let error = try failure { try store([:]).list(watch) }
        #expect(error.code == .untrustedServer)
        #expect(time.waits == [])
        let vouched = ["AWS_CA_BUNDLE": certificate]
        #expect(try failure { try store(vouched).list(watch) }.code == .noBucket)
    }
}
