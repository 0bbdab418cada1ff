import Crypto
import Foundation

/// What answers of S3 say.
enum S3Answers {
    /// An upload in parts that was not finished.
    struct Unfinished: Hashable, Sendable {
        var id: String
        /// Text of a fixed form, which sorts as time does.
        var begun: String
    }

    struct Part: Hashable, Sendable {
        var number: Int
        var bytes: Int64
        var tag: String
        var digest: [UInt8]?
    }

    static func unexpected(_ tree: XMLTree) -> RemoteError {
        RemoteError(
            .malformedAnswer, "the server's answer \(tree.name) is not what was asked for",
            remedy: "check that the endpoint is one of S3")
    }

    /// That it answers an operation. AWS calls answers `…Result`, others some of them `…Response`.
    static func check(_ tree: XMLTree, answers operation: String) throws(RemoteError) {
        guard ["Result", "Response"].contains(where: { tree.name == operation + $0 }) else {
            throw unexpected(tree)
        }
    }

    static func uploads(_ page: XMLTree, of key: String) throws(RemoteError) -> [Unfinished] {
        try check(page, answers: "ListMultipartUploads")
        var uploads: [Unfinished] = []
        for entry in page.all("Upload") where entry["Key"] == key {
            guard let id = entry["UploadId"], !id.isEmpty else { throw unexpected(page) }
            uploads.append(Unfinished(id: id, begun: entry["Initiated"] ?? ""))
        }
        return uploads
    }

    static func parts(_ page: XMLTree) throws(RemoteError) -> [Part] {
        try check(page, answers: "ListParts")
        var parts: [Part] = []
        for entry in page.all("Part") {
            guard let number = entry["PartNumber"].flatMap({ Int($0) }), let tag = entry["ETag"],
                let bytes = entry["Size"].flatMap({ Int64($0) })
            else { throw unexpected(page) }
            let digest = entry["ChecksumSHA256"].flatMap { Data(base64Encoded: $0) }
            parts.append(
                Part(number: number, bytes: bytes, tag: tag, digest: digest.map(Array.init)))
        }
        return parts
    }

    /// As `x-amz-checksum-sha256` has it: base64, with `-N` of N parts.
    static func checksum(_ text: String) -> RemoteChecksum? {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard let digest = halves.first.flatMap({ Data(base64Encoded: String($0)) }),
            digest.count == SHA256.byteCount
        else { return nil }
        switch halves.count {
        case 1: return .sha256(Array(digest))
        case 2: return Int(halves[1]).map { .sha256OfParts(Array(digest), parts: $0) }
        default: return nil
        }
    }

    /// What the server should say of these parts; of one, which is sent whole, its own.
    static func checksum(of digests: [[UInt8]]) -> RemoteChecksum {
        if digests.count == 1, let only = digests.first { return .sha256(only) }
        let whole = SHA256.hash(data: digests.flatMap { $0 })
        return .sha256OfParts(Array(whole), parts: digests.count)
    }

    static func completion(_ tags: [String], _ digests: [[UInt8]]) -> [UInt8] {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for (index, (tag, digest)) in zip(tags, digests).enumerated() {
            text +=
                "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(escaped(tag))</ETag>"
                + "<ChecksumSHA256>\(base64(digest))</ChecksumSHA256></Part>"
        }
        return Array((text + "</CompleteMultipartUpload>").utf8)
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}
