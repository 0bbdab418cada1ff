import Testing

/// The check that other tests rely on, against the example in AWS's documentation.
@Suite("Signatures") struct SignatureTests {
    private static let example = Signature(
        method: "GET", target: "/test.txt",
        headers: [
            "host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9",
            "x-amz-content-sha256":
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "x-amz-date": "20130524T000000Z",
            "authorization": "AWS4-HMAC-SHA256 "
                + "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ])
    private static let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

    @Test("the documented example is right, and wrong once anything changes") func example() {
        #expect(Self.example.fault(secret: Self.secret) == nil)
        #expect(Self.example.fault(secret: "another") != nil)
        var other = Self.example
        other.target = "/test.txt?a=1"
        #expect(other.fault(secret: Self.secret) != nil)
        other.target = "/test.txt?prefix=a/b"
        #expect(other.fault(secret: Self.secret) == "the query is not escaped: prefix=a/b")
        other = Self.example
        other.headers["x-amz-extra"] = "1"
        #expect(other.fault(secret: Self.secret) == "x-amz-extra is not signed")
    }
}
