import Foundation
import Synchronization
import Testing

@testable import RemoteArchive

/// A folder of its own for each test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "remote-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    func file(_ name: String, text: String) throws -> String { try file(name, text.utf8) }

    /// Bytes that look like nothing, the same for each seed.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { buffer in
            let words = buffer.bindMemory(to: UInt64.self)
            for index in 0..<words.count {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                words[index] = state
            }
            for index in (words.count * 8)..<count {
                buffer[index] = UInt8(truncatingIfNeeded: index)
            }
        }
        return bytes
    }
}

/// Time that passes only while somebody waits; what was waited is kept.
final class StillTime: Sendable {
    private let milliseconds = Mutex<Int64>(0)
    private let taken = Mutex<[Int64]>([])

    var waits: [Int64] { taken.withLock { $0 } }

    func advance(_ by: Int64) { milliseconds.withLock { $0 += by } }

    /// 2027-01-15T08:00:00Z, and what was waited since.
    static let start: Int64 = 1_800_000_000_000

    func surroundings(_ environment: [String: String] = [:]) -> RemoteSurroundings {
        RemoteSurroundings(
            environment: environment,
            unixMilliseconds: { Self.start + self.milliseconds.withLock { $0 } },
            monotonicMilliseconds: { self.milliseconds.withLock { $0 } },
            pause: { wait, _ in
                self.taken.withLock { $0.append(wait) }
                self.advance(wait)
            },
            random: { $0.upperBound })
    }
}

/// What a call throws; fails the test when it throws nothing, or nothing of the module's.
func failure<Result>(
    _ body: () throws -> Result, location: SourceLocation = #_sourceLocation
) throws -> RemoteError {
    do {
        let result = try body()
        Issue.record("returned \(result)", sourceLocation: location)
    } catch let error as RemoteError {
        Secrets.check(error, location)
        return error
    }
    throw CancellationError()
}

/// The secrets that tests use. None may be in an error.
enum Secrets {
    private static let known = Mutex<Set<String>>([])

    static func add(_ secret: String) -> String {
        _ = known.withLock { $0.insert(secret) }
        return secret
    }

    static func check(_ error: RemoteError, _ location: SourceLocation = #_sourceLocation) {
        var dumped = ""
        dump(error, to: &dumped)
        let texts = [error.description, String(reflecting: error), dumped]
        for secret in known.withLock({ $0 }) {
            for text in texts {
                #expect(!text.contains(secret), "a secret is shown", sourceLocation: location)
            }
        }
        #expect(!error.description.contains("\n"), sourceLocation: location)
    }
}
