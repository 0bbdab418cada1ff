import Foundation

/// Files in a folder of another machine, by SFTP.
///
///     no NAME.part ────────────────▶ written ──▶ NAME.part whole ──▶ renamed to NAME
///     NAME.part begins as the file ▶ gone on with ──┘
///     NAME.part is something else ─▶ written anew ──┘
///
/// Whether an unfinished upload begins as the file does is found by reading it: SFTP keeps no
/// checksums, and a machine that lost power may have the length without the content. So is whether
/// the name has the same content already: list first, and put what is not there. SSH keeps what
/// is on its way from being altered, so that of a whole upload the size is looked at. The server is
/// not asked to sync: OpenSSH could, libcurl cannot.
public final class SFTPStore: RemoteStore {
    public let location: RemoteLocation
    private let folder: SFTPPath
    private let client: SFTPClient
    private let retries: Retries

    /// Connects when it is first asked for something. Without a user in the location it is the
    /// environment's `USER`.
    public init(
        _ location: RemoteLocation, pin: HostKeyPin, authentication: SFTPAuthentication,
        _ surroundings: RemoteSurroundings, limits: TransferLimits = TransferLimits(),
        policy: RetryPolicy = RetryPolicy()
    ) throws(RemoteError) {
        guard case .sftp(let user, let host, let port, let path) = location else {
            throw RemoteError(.refused, "\(location) is no folder of SFTP")
        }
        guard let user = user ?? surroundings.variable("USER") else {
            throw RemoteError(
                .refused, "\(location) has no user", remedy: "give sftp://USER@HOST/PATH")
        }
        self.location = location
        folder = SFTPPath(components: path)
        let login = SFTPLogin(user: user, authentication: authentication)
        client = try SFTPClient(host: host, port: port, login: login, pin: pin, limits)
        retries = Retries(policy: policy, surroundings: surroundings)
    }

    private func path(_ name: String) throws(RemoteError) -> SFTPPath {
        try RemoteName.check(name)
        return folder.appending(name)
    }

    public func list(_ watch: TransferWatch) throws -> [RemoteFile] {
        let lines = try retries.run(watch) { try client.lines(folder, watch) ?? [] }
        var files: [String: RemoteFile] = [:]
        for line in lines {
            switch SFTPListing.entry(line) {
            case .file(let name, let bytes): files[name] = RemoteFile(name: name, bytes: bytes)
            case .unclear(let name): files[name] = try file(name, watch)
            case .other: break
            }
        }
        return files.values.sorted { $0.name < $1.name }
    }

    public func file(_ name: String, _ watch: TransferWatch) throws -> RemoteFile? {
        let path = try path(name)
        let bytes = try retries.run(watch) { try client.size(path, watch) }
        return bytes.map { RemoteFile(name: name, bytes: $0) }
    }

    public func read(
        _ name: String, from offset: Int64, count: Int64, _ watch: TransferWatch,
        into sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let range = try RemoteRange(location, name, offset: offset, count: count)
        let path = try path(name)
        var done: Int64 = 0
        try withoutActuallyEscaping(sink) { sink in
            try retries.run(watch) {
                guard done < count else { return }
                do {
                    try client.read(path, from: offset + done, count: count - done, watch) {
                        bytes in
                        try sink(bytes)
                        done += Int64(bytes.count)
                        watch.progress(done, count)
                    }
                } catch let error as RemoteError where error.code == .outsideRange {
                    throw range.outside(of: nil)
                }
                guard done < count else { return }
                if let bytes = try client.size(path, watch), bytes < offset + count {
                    throw range.outside(of: bytes)
                }
                throw RemoteError(.truncated, "\(range.place): less came than was asked for")
            }
        }
    }

    public func delete(_ name: String, _ watch: TransferWatch) throws {
        let path = try path(name)
        try retries.run(watch) {
            guard try client.size(path, watch) != nil else { return }
            do {
                try client.remove(path, watch)
            } catch let error as RemoteError {
                guard try client.size(path, watch) != nil else { return }
                throw error
            }
        }
    }

    public func compare(
        _ path: String, with name: String, _ watch: TransferWatch
    ) throws -> RemoteComparison {
        guard let there = try file(name, watch) else { return .absent }
        let local = try LocalFile(path)
        return try ContentComparison.isSame(local, there, in: self, watch)
            ? .same(there) : .different(there)
    }

    public func put(
        _ path: String, as name: String, _ watch: TransferWatch
    ) throws -> PutOutcome {
        let final = try self.path(name)
        let part = folder.appending(name + RemoteName.unfinishedEnding)
        let local = try LocalFile(path)
        var verified: Int64 = 0
        var isRenamed = false
        var furthest: Int64 = 0
        var watch = watch
        // What was given to a connection that broke is given again.
        watch.progress = { [progress = watch.progress] done, total in
            furthest = max(furthest, done)
            progress(furthest, total)
        }
        return try retries.run(watch) {
            if let bytes = try client.size(final, watch) {
                let there = RemoteFile(name: name, bytes: bytes)
                guard bytes == local.bytes, try begins(local, as: final, bytes, from: 0, watch)
                else { throw ContentComparison.conflict(location, there) }
                watch.progress(local.bytes, local.bytes)
                return isRenamed ? .sent(there) : .alreadyThere(there)
            }
            try fill(part, with: local, &verified, watch)
            try local.check()
            isRenamed = true
            do {
                try client.rename(part, to: final, watch)
            } catch let error as RemoteError where error.code == .refused {
                // Somebody else's file may have the name now: the next look says.
                guard try client.size(final, watch) != nil else { throw error }
                throw RemoteError(.interrupted, "\(location.place(of: name)) appeared meanwhile")
            }
            guard try client.size(final, watch) == local.bytes else {
                throw RemoteError(
                    .garbled, "\(location.place(of: name)) has not the size that was sent")
            }
            watch.progress(local.bytes, local.bytes)
            return .sent(RemoteFile(name: name, bytes: local.bytes))
        }
    }

    /// Makes the unfinished file whole. `verified` are the bytes that were read and are right.
    private func fill(
        _ part: SFTPPath, with local: LocalFile, _ verified: inout Int64, _ watch: TransferWatch
    ) throws {
        let there = try client.size(part, watch)
        var offset = there ?? 0
        if offset < verified { verified = 0 }
        if offset <= local.bytes, try begins(local, as: part, offset, from: verified, watch) {
            verified = offset
        } else {
            offset = 0
            verified = 0
        }
        guard there == nil || offset < local.bytes || there != offset else { return }
        do {
            try client.write(local, to: part, from: offset, watch)
        } catch let error as RemoteError where error.code.mayPass || error.code == .refused {
            throw explain(error, local, part, watch)
        }
        guard try client.size(part, watch) == local.bytes else {
            throw RemoteError(.truncated, "\(location): the server did not keep all that was sent")
        }
    }

    /// Servers say of a full disk only that writing failed.
    private func explain(
        _ error: RemoteError, _ local: LocalFile, _ part: SFTPPath, _ watch: TransferWatch
    ) -> RemoteError {
        guard let free = client.freeBytes(folder, watch),
            let there = try? client.size(part, watch) ?? 0, free < local.bytes - there
        else { return error }
        return RemoteError(
            .diskFull, "\(location): the disk is full (\(free) bytes are free)",
            remedy: "free some space there and try again")
    }

    private func begins(
        _ local: LocalFile, as path: SFTPPath, _ bytes: Int64, from start: Int64,
        _ watch: TransferWatch
    ) throws -> Bool {
        try ContentComparison.startsWith(local, from: start, bytes: bytes) { sink in
            guard start < bytes else { return }
            try withoutActuallyEscaping(sink) { sink in
                try client.read(path, from: start, count: bytes - start, watch, into: sink)
            }
        }
    }
}
