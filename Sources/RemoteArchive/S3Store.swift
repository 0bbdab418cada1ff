import Crypto
import Foundation

/// Files in a bucket of S3, or of a server that speaks its protocol.
public final class S3Store: RemoteStore {
    public let location: RemoteLocation
    private let prefix: [String]
    private let settings: S3Settings
    private let client: S3Client
    private let retries: Retries

    static let filesMax = 1_000_000
    private static let keyBytesMax = 1024

    /// Throws when the location is none of S3.
    public init(
        _ location: RemoteLocation, _ settings: S3Settings, _ credentials: CredentialsChain,
        _ surroundings: RemoteSurroundings, limits: TransferLimits = TransferLimits(),
        policy: RetryPolicy = RetryPolicy()
    ) throws(RemoteError) {
        guard case .s3(let bucket, let prefix) = location else {
            throw RemoteError(.refused, "\(location) is no bucket of S3")
        }
        self.location = location
        self.prefix = prefix
        self.settings = settings
        client = try S3Client(bucket: bucket, settings, credentials, limits)
        retries = Retries(policy: policy, surroundings: surroundings)
    }

    private func key(_ name: String) throws(RemoteError) -> String {
        try RemoteName.check(name)
        let key = (prefix + [name]).joined(separator: "/")
        guard key.utf8.count <= Self.keyBytesMax else {
            throw RemoteError(
                .refused, "\(location.place(of: name)): the key has more than 1024 bytes")
        }
        return key
    }

    public func list(_ watch: TransferWatch) throws -> [RemoteFile] {
        let folder = prefix.isEmpty ? "" : prefix.joined(separator: "/") + "/"
        var request = S3Client.Request(method: .get)
        request.query = ["list-type": "2", "prefix": folder, "delimiter": "/", "max-keys": "1000"]
        var files: [RemoteFile] = []
        while true {
            let page = try retries.run(watch) {
                try XMLTree.parse(client.perform(request, watch).answer)
            }
            try S3Answers.check(page, answers: "ListBucket")
            for entry in page.all("Contents") {
                guard let key = entry["Key"], let bytes = entry["Size"].flatMap({ Int64($0) }),
                    key.hasPrefix(folder)
                else { throw S3Answers.unexpected(page) }
                let name = String(key.dropFirst(folder.count))
                if RemoteName.isValid(name) { files.append(RemoteFile(name: name, bytes: bytes)) }
            }
            guard page["IsTruncated"] == "true" else { break }
            guard let next = page["NextContinuationToken"],
                next != request.query["continuation-token"], files.count <= Self.filesMax
            else { throw S3Answers.unexpected(page) }
            request.query["continuation-token"] = next
        }
        return files.sorted { $0.name < $1.name }
    }

    public func file(_ name: String, _ watch: TransferWatch) throws -> RemoteFile? {
        let key = try key(name)
        return try retries.run(watch) {
            do {
                let request = S3Client.Request(
                    method: .head, key: key, headers: ["x-amz-checksum-mode: ENABLED"])
                let headers = try client.perform(request, watch).answerHeaders
                guard let bytes = headers["content-length"].flatMap({ Int64($0) }) else {
                    throw RemoteError(
                        .malformedAnswer, "\(location.place(of: name)): no size was told")
                }
                let checksum = headers["x-amz-checksum-sha256"].flatMap(S3Answers.checksum)
                return RemoteFile(name: name, bytes: bytes, checksum: checksum)
            } catch let error as RemoteError where !error.code.mayPass && error.code != .cancelled {
                try explain(error, key, watch)
                return nil
            }
        }
    }

    /// What a HEAD failed of, which has no body to say so; returns when there is no such key.
    private func explain(_ error: RemoteError, _ key: String, _ watch: TransferWatch) throws {
        do {
            let request = S3Client.Request(method: .get, key: key, headers: ["Range: bytes=0-0"])
            _ = try client.perform(request, watch)
        } catch let why as RemoteError where why.code == .absent {
            return
        }
        // Found by now, or asked for with credentials that were renewed: the next attempt says.
        guard error.code == .absent || error.code == .refused else { throw error }
        throw RemoteError(.interrupted, error.message, remedy: error.remedy)
    }

    public func read(
        _ name: String, from offset: Int64, count: Int64, _ watch: TransferWatch,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let range = try RemoteRange(location, name, offset: offset, count: count)
        guard count > 0 else { return }
        let key = try key(name)
        var done: Int64 = 0
        var tag: String?
        try withoutActuallyEscaping(sink) { sink in
            try retries.run(watch) {
                var request = S3Client.Request(method: .get, key: key)
                request.headers = ["Range: bytes=\(offset + done)-\(offset + count - 1)"]
                // The rest of the same content, or nothing.
                if let tag { request.headers.append("If-Match: \(tag)") }
                let before = done
                request.sink = { bytes, headers in
                    tag = tag ?? headers["etag"]
                    try range.check(headers["content-range"], done: before)
                    guard done + Int64(bytes.count) <= count else {
                        throw RemoteError(
                            .malformedAnswer, "\(range.place): more came than was asked for")
                    }
                    try sink(bytes)
                    done += Int64(bytes.count)
                    watch.progress(done, count)
                }
                do {
                    if done < count { _ = try client.perform(request, watch) }
                } catch let error as RemoteError where error.code == .occupied {
                    throw RemoteError(.conflict, "\(range.place) changed while it was read")
                } catch let error as RemoteError where error.code == .outsideRange {
                    throw range.outside(of: nil)
                }
                guard done == count else {
                    throw RemoteError(.truncated, "\(range.place): less came than was asked for")
                }
            }
        }
    }

    public func delete(_ name: String, _ watch: TransferWatch) throws {
        let request = S3Client.Request(method: .delete, key: try key(name))
        do {
            _ = try retries.run(watch) { try client.perform(request, watch) }
        } catch let error as RemoteError where error.code == .absent {}
    }

    public func compare(
        _ path: String, with name: String, _ watch: TransferWatch
    ) throws -> RemoteComparison {
        guard let there = try file(name, watch) else { return .absent }
        let local = try LocalFile(path)
        guard there.bytes == local.bytes else { return .different(there) }
        let plan = try PartPlan(bytes: local.bytes)
        let digests = try local.digests(ofEach: plan.partBytes, watch)
        return try isSame(local, digests, there, watch) ? .same(there) : .different(there)
    }

    /// By the checksum the server keeps; by reading, where it keeps none or that of other parts.
    private func isSame(
        _ local: LocalFile, _ digests: [[UInt8]], _ there: RemoteFile, _ watch: TransferWatch
    ) throws -> Bool {
        guard local.bytes == there.bytes else { return false }
        if let checksum = there.checksum {
            let own = S3Answers.checksum(of: digests)
            if checksum == own { return true }
            if case .sha256(let digest) = checksum {
                // Of the whole, or, from some servers, of its parts without their number.
                if case .sha256OfParts(digest, _) = own { return true }
                return try local.digests(ofEach: .max, watch) == [digest]
            }
        }
        return try ContentComparison.isSame(local, there, in: self, watch)
    }

    public func put(
        _ path: String, as name: String, _ watch: TransferWatch
    ) throws -> PutOutcome {
        let key = try key(name)
        let local = try LocalFile(path)
        let plan = try PartPlan(bytes: local.bytes)
        let digests = try local.digests(ofEach: plan.partBytes, watch)
        if let there = try file(name, watch) {
            guard try isSame(local, digests, there, watch) else {
                throw ContentComparison.conflict(location, there)
            }
            watch.progress(local.bytes, local.bytes)
            return .alreadyThere(there)
        }
        let upload = S3Upload(
            client, retries, settings, key: key, local: local, plan: plan, digests: digests,
            watch: watch)
        do {
            try upload.run()
        } catch let error as RemoteError where [.occupied, .uploadGone].contains(error.code) {
            // Perhaps by an attempt of this put whose answer was lost.
            guard let there = try file(name, watch) else { throw error }
            guard try isSame(local, digests, there, watch) else {
                throw ContentComparison.conflict(location, there)
            }
            return .sent(there)
        }
        guard let there = try file(name, watch), there.bytes == local.bytes,
            try there.checksum == nil || isSame(local, digests, there, watch)
        else {
            throw RemoteError(
                .garbled, "\(location.place(of: name)) is not what was sent",
                remedy: "look at it there")
        }
        watch.progress(local.bytes, local.bytes)
        return .sent(there)
    }
}
