import Crypto
import Glibc

/// What is sent in one request: so many bytes that can be read again.
protocol TransferBody: AnyObject {
    var bytes: Int64 { get }
    /// Fills as much of the buffer as there is from the offset on.
    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int64) throws -> Int
}

/// A local file as it was when it was opened; reading it throws once it is something else.
final class LocalFile: TransferBody {
    let path: String
    let bytes: Int64
    private let descriptor: Int32
    private let first: stat

    init(_ path: String) throws(RemoteError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            let why = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw RemoteError(.localUnreadable, "\(path) cannot be opened (\(why))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw RemoteError(.localUnreadable, "\(path) is no regular file")
        }
        first = status
        bytes = Int64(status.st_size)
    }

    deinit { close(descriptor) }

    /// Throws unless size, time and place are what they were.
    func check() throws(RemoteError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_nlink > 0 else {
            throw changed("was removed")
        }
        guard status.st_size == first.st_size, status.st_mtim.tv_sec == first.st_mtim.tv_sec,
            status.st_mtim.tv_nsec == first.st_mtim.tv_nsec
        else { throw changed("changed") }
    }

    func changed(_ how: String) -> RemoteError {
        RemoteError(
            .localChanged, "\(path) \(how) while it was sent",
            remedy: "send it when nothing writes to it any more")
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, from offset: Int64
    ) throws -> Int {
        let wanted = Int(min(Int64(buffer.count), max(0, bytes - offset)))
        var filled = 0
        while filled < wanted {
            let done = pread(
                descriptor, buffer.baseAddress.map { $0 + filled }, wanted - filled,
                off_t(offset) + off_t(filled))
            if done < 0, errno == EINTR { continue }
            guard done >= 0 else {
                throw RemoteError(
                    .localUnreadable,
                    "\(path) cannot be read (\(String(cString: strerror(errno))))",
                    remedy: "check the disk")
            }
            guard done > 0 else { throw changed("became shorter") }
            filled += done
        }
        try check()
        return filled
    }

    /// The SHA-256 of each run of so many bytes; one, of nothing, for an empty file.
    func digests(ofEach runBytes: Int64, _ watch: TransferWatch) throws -> [[UInt8]] {
        var digests: [[UInt8]] = []
        var offset: Int64 = 0
        repeat {
            let end = min(bytes, offset + runBytes)
            digests.append([UInt8](try hash(SHA256(), offset, end, watch).finalize()))
            offset = end
        } while offset < bytes
        return digests
    }

    /// As parts are known to servers that keep no better checksum.
    func md5(from start: Int64, count: Int64, _ watch: TransferWatch) throws -> [UInt8] {
        [UInt8](try hash(Insecure.MD5(), start, start + count, watch).finalize())
    }

    private func hash<Function: HashFunction>(
        _ function: Function, _ start: Int64, _ end: Int64, _ watch: TransferWatch
    ) throws -> Function {
        var function = function
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var offset = start
        while offset < end {
            if watch.isCancelled() { throw Retries.cancelled }
            let wanted = Int(min(Int64(chunk.count), end - offset))
            let count = try chunk.withUnsafeMutableBytes { buffer in
                let count = try read(into: .init(rebasing: buffer[..<wanted]), from: offset)
                function.update(bufferPointer: .init(rebasing: buffer[..<count]))
                return count
            }
            offset += Int64(count)
        }
        return function
    }
}

/// A run of a file, checked against the SHA-256 that was announced before its last byte is given:
/// a server that was promised more bytes throws away what it has.
final class LocalRun: TransferBody {
    private let file: LocalFile
    private let start: Int64
    let bytes: Int64
    private let digest: [UInt8]?
    private var hash = SHA256()
    private var hashed: Int64 = 0

    init(_ file: LocalFile, from start: Int64, bytes: Int64, digest: [UInt8]?) {
        self.file = file
        self.start = start
        self.bytes = bytes
        self.digest = digest
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int64) throws -> Int {
        let wanted = Int(min(Int64(buffer.count), bytes - offset))
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        let count = try file.read(into: part, from: start + offset)
        guard let digest else { return count }
        if offset == 0 {
            hash = SHA256()
            hashed = 0
        }
        if offset == hashed {
            hash.update(bufferPointer: .init(part))
            hashed += Int64(count)
        }
        if hashed == bytes, offset + Int64(count) == bytes, [UInt8](hash.finalize()) != digest {
            throw file.changed("changed")
        }
        return count
    }
}

/// Bytes in memory.
final class MemoryBody: TransferBody {
    private let content: [UInt8]
    var bytes: Int64 { Int64(content.count) }

    init(_ content: some Sequence<UInt8>) { self.content = Array(content) }

    func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int64) throws -> Int {
        let part = content.dropFirst(Int(offset)).prefix(buffer.count)
        buffer.copyBytes(from: part)
        return part.count
    }
}
