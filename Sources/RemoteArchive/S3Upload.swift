import Crypto

/// One file on its way to one key.
///
///     whole:      PUT
///     in parts:   find ── all parts match ──▶ go on ──┐
///                   └─── none, or others ──▶ create ──┴▶ parts ──▶ complete
///
/// An unfinished upload of the key that this file does not fit is removed, since its parts are paid
/// for; one that was interrupted stays for the next put. Nothing is under the key before the end.
struct S3Upload {
    private let client: S3Client
    private let retries: Retries
    private let settings: S3Settings
    private let key: String
    private let local: LocalFile
    private let plan: PartPlan
    private let digests: [[UInt8]]
    private let watch: TransferWatch

    /// Of the lists of unfinished uploads and of parts, of a thousand entries each.
    private static let pagesMax = 20

    init(
        _ client: S3Client, _ retries: Retries, _ settings: S3Settings, key: String,
        local: LocalFile, plan: PartPlan, digests: [[UInt8]], watch: TransferWatch
    ) {
        self.client = client
        self.retries = retries
        self.settings = settings
        self.key = key
        self.local = local
        self.plan = plan
        self.digests = digests
        self.watch = watch
    }

    private var freeName: [String] { settings.asksForFreeName ? ["If-None-Match: *"] : [] }

    func run() throws {
        guard plan.count > 1 else {
            let headers = freeName + ["Content-Type: application/octet-stream"]
            _ = try send(number: 1, query: [:], headers: headers, from: 0)
            return
        }
        var (id, tags) = try unfinished() ?? (create(), [:])
        do {
            var done = tags.keys.reduce(0) { $0 + plan.size(of: $1) }
            watch.progress(done, plan.bytes)
            for number in 1...plan.count where tags[number] == nil {
                try local.check()
                tags[number] = try send(
                    number: number, query: ["partNumber": "\(number)", "uploadId": id],
                    headers: [], from: done)
                done += plan.size(of: number)
            }
            try local.check()
            try complete(id, (1...plan.count).map { tags[$0] ?? "" })
        } catch let error as RemoteError where error.code == .localChanged {
            try? remove(id)
            throw error
        }
    }

    /// Returns the tag. `done` are the bytes that were there before.
    private func send(
        number: Int, query: [String: String], headers: [String], from done: Int64
    ) throws -> String {
        let digest = digests[number - 1]
        var furthest = done
        return try retries.run(watch) {
            var request = S3Client.Request(method: .put, key: key, query: query)
            request.headers =
                headers + [
                    "x-amz-checksum-sha256: \(S3Answers.base64(digest))",
                    "x-amz-sdk-checksum-algorithm: SHA256",
                ]
            request.body = LocalRun(
                local, from: plan.offset(of: number), bytes: plan.size(of: number), digest: digest)
            request.digest = digest
            request.progress = { sent in
                furthest = max(furthest, done + sent)
                watch.progress(furthest, plan.bytes)
            }
            guard let tag = try client.perform(request, watch).answerHeaders["etag"] else {
                throw RemoteError(
                    .malformedAnswer, "s3://\(client.bucket)/\(key): no ETag was given")
            }
            return tag
        }
    }

    private func create() throws -> String {
        var request = S3Client.Request(method: .post, key: key, query: ["uploads": ""])
        request.headers = [
            "x-amz-checksum-algorithm: SHA256", "Content-Type: application/octet-stream",
        ]
        request.body = MemoryBody([])
        let tree = try retries.run(watch) {
            try XMLTree.parse(client.perform(request, watch).answer)
        }
        guard let id = tree["UploadId"], !id.isEmpty else { throw S3Answers.unexpected(tree) }
        return id
    }

    private func complete(_ id: String, _ tags: [String]) throws {
        let content = S3Answers.completion(tags, digests)
        var request = S3Client.Request(method: .post, key: key, query: ["uploadId": id])
        request.headers = freeName + ["Content-Type: application/xml"]
        request.body = MemoryBody(content)
        request.digest = Array(SHA256.hash(data: content))
        try retries.run(watch) {
            let tree = try XMLTree.parse(client.perform(request, watch).answer)
            if let error = try client.error(in: tree, request, watch) { throw error }
            try S3Answers.check(tree, answers: "CompleteMultipartUpload")
        }
    }

    private func remove(_ id: String) throws {
        let request = S3Client.Request(method: .delete, key: key, query: ["uploadId": id])
        do {
            _ = try retries.run(watch) { try client.perform(request, watch) }
        } catch let error as RemoteError where [.uploadGone, .absent].contains(error.code) {}
    }

    /// The newest unfinished upload of the key that has parts, all of them this file's; the others
    /// are removed. Nil when there is none, or when it may not be asked.
    private func unfinished() throws -> (String, [Int: String])? {
        let uploads: [S3Answers.Unfinished]
        do {
            uploads = try list()
        } catch let error as RemoteError where error.code == .denied {
            return nil
        }
        var chosen: (String, [Int: String])?
        for upload in uploads.sorted(by: { $0.begun > $1.begun }) {
            if chosen == nil, let tags = try matching(upload.id) {
                chosen = (upload.id, tags)
            } else {
                try remove(upload.id)
            }
        }
        return chosen
    }

    private func list() throws -> [S3Answers.Unfinished] {
        var request = S3Client.Request(method: .get)
        request.query = ["uploads": "", "prefix": key, "max-uploads": "1000"]
        var uploads: [S3Answers.Unfinished] = []
        for _ in 0..<Self.pagesMax {
            let page = try retries.run(watch) {
                try XMLTree.parse(client.perform(request, watch).answer)
            }
            uploads += try S3Answers.uploads(page, of: key)
            guard page["IsTruncated"] == "true", let next = page["NextKeyMarker"] else { break }
            request.query["key-marker"] = next
            request.query["upload-id-marker"] = page["NextUploadIdMarker"] ?? ""
        }
        return uploads
    }

    /// The tags of an upload's parts by their numbers; nil when there are none, or one is not this
    /// file's.
    private func matching(_ id: String) throws -> [Int: String]? {
        var request = S3Client.Request(method: .get, key: key)
        request.query = ["uploadId": id, "max-parts": "1000"]
        var tags: [Int: String] = [:]
        for _ in 0..<Self.pagesMax {
            let page: XMLTree
            do {
                page = try retries.run(watch) {
                    try XMLTree.parse(client.perform(request, watch).answer)
                }
            } catch let error as RemoteError where [.uploadGone, .absent].contains(error.code) {
                return nil
            }
            for part in try S3Answers.parts(page) {
                guard try isOurs(part) else { return nil }
                tags[part.number] = part.tag
            }
            guard page["IsTruncated"] == "true", let next = page["NextPartNumberMarker"] else {
                return tags.isEmpty ? nil : tags
            }
            request.query["part-number-marker"] = next
        }
        return nil
    }

    private func isOurs(_ part: S3Answers.Part) throws -> Bool {
        guard (1...plan.count).contains(part.number), part.bytes == plan.size(of: part.number)
        else { return false }
        if let digest = part.digest { return digest == digests[part.number - 1] }
        let md5 = try local.md5(
            from: plan.offset(of: part.number), count: part.bytes, watch)
        return part.tag.filter { $0 != "\"" }.lowercased() == Hexadecimal.text(md5)
    }
}
