import Testing

@testable import RemoteArchive

@Suite("Locations") struct RemoteLocationTests {
    @Test(
        "are read, and give the same text again",
        arguments: [
            ("s3://bucket", "s3://bucket/", .s3(bucket: "bucket", prefix: [])),
            ("s3://bucket/a/b/", "s3://bucket/a/b", .s3(bucket: "bucket", prefix: ["a", "b"])),
            ("S3://b.c-1//a", "s3://b.c-1/a", .s3(bucket: "b.c-1", prefix: ["a"])),
            ("s3://bucket/a%20b", "s3://bucket/a%20b", .s3(bucket: "bucket", prefix: ["a b"])),
            ("s3://bucket/ä", "s3://bucket/%C3%A4", .s3(bucket: "bucket", prefix: ["ä"])),
            (
                "sftp://host/a", "sftp://host/a",
                .sftp(user: nil, host: "host", port: nil, path: ["a"])
            ),
            (
                "sftp://me@Host.example:2222/a/b", "sftp://me@host.example:2222/a/b",
                .sftp(user: "me", host: "host.example", port: 2222, path: ["a", "b"])
            ),
            (
                "sftp://me%40home@[fe80::1]:22/~/x", "sftp://me%40home@[fe80::1]:22/~/x",
                .sftp(user: "me@home", host: "fe80::1", port: 22, path: ["~", "x"])
            ),
            (
                "sftp://[::1]/a", "sftp://[::1]/a",
                .sftp(user: nil, host: "::1", port: nil, path: ["a"])
            ),
        ] as [(String, String, RemoteLocation)])
    func read(text: String, again: String, location: RemoteLocation) throws {
        #expect(try RemoteLocation(text) == location)
        #expect(location.description == again)
        #expect(try RemoteLocation(again) == location)
    }

    @Test(
        "anything else is refused, in a line without what may be a password",
        arguments: [
            "", "bucket", "http://host/x", "file:///x", "s3://", "s3:///a", "s3://ab",
            "s3://Bucket",
            "s3://a..b", "s3://-ab", "s3://abc.", "s3://key:hunter2@bucket/a", "s3://bucket/../a",
            "s3://bucket/a/..", "s3://bucket/%2e%2e", "s3://bucket/a%2Fb", "s3://bucket/%zz",
            "s3://bucket/a?b", "s3://bucket/a#b", "s3://bucket/a b", "s3://bucket/%0a",
            "s3://bucket:80/",
            "sftp://host", "sftp://host/", "sftp:///a", "sftp://me:hunter2@host/a",
            "sftp://:hunter2@h/a",
            "sftp://@host/a", "sftp://host:/a", "sftp://host:0/a", "sftp://host:65536/a",
            "sftp://host:2x/a", "sftp://[::1/a", "sftp://[::1]x/a", "sftp://[host]/a",
            "sftp://::1/a",
            "sftp://-oProxy/a", "sftp://host/a/../b", "sftp://host/.", "sftp://ho\\st/a",
            "sftp://me%0a@host/a", "s3://bucket/" + String(repeating: "a", count: 3000),
        ])
    func refused(text: String) throws {
        let error = try failure { try RemoteLocation(text) }
        #expect(error.code == .refused)
        #expect(!error.description.contains("hunter2"))
        #expect(error.remedy.hasPrefix("give s3://BUCKET/PREFIX"))
    }

    @Test("a folder in a location is a location") func appending() throws {
        #expect(
            try RemoteLocation("s3://bucket").appending("node-1").description
                == "s3://bucket/node-1")
        #expect(
            try RemoteLocation("sftp://h/a").appending("node-1").description == "sftp://h/a/node-1")
        #expect(try failure { try RemoteLocation("sftp://h/a").appending("..") }.code == .refused)
    }
}
