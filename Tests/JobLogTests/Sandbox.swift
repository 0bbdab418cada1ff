import CSQLite
import Glibc
import JobLog
import Synchronization
import Testing

/// A folder of its own that vanishes with the value.
final class Sandbox: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/tracectl-test-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        path = try #require(made.map { String(cString: $0) })
    }

    deinit { _ = system("rm -rf '\(path)'") }

    var log: String { path + "/log" }
}

/// A clock that moves when it is told to.
final class ManualClock: Sendable {
    private let time = Mutex<Int64>(1_000_000)
    var now: Int64 {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// Another program at the same file, with nothing but SQL.
struct PlainSQL {
    let file: String

    /// The error of the first statement that fails; nil when all went through.
    func run(_ sql: String) -> String? {
        var handle: OpaquePointer?
        guard sqlite3_open(file, &handle) == SQLITE_OK else { return "cannot open" }
        defer { sqlite3_close(handle) }
        var message: UnsafeMutablePointer<CChar>?
        guard sqlite3_exec(handle, sql, nil, nil, &message) != SQLITE_OK else { return nil }
        defer { sqlite3_free(message) }
        return message.map { String(cString: $0) } ?? "unknown"
    }
}

let family = "trace"

func options(_ clock: ManualClock = ManualClock()) -> JobLog.Options {
    JobLog.Options(
        durability: .off, now: { clock.now }, monotonic: { 0 },
        eventTypes: [EventType(id: 1, name: "Asked", family: family)])
}

func draft(_ stream: StreamRef, _ text: String = "x", expecting: Int64? = nil) -> Draft {
    Draft(stream: stream, type: 1, schema: 1, payload: Array(text.utf8), expectedVersion: expecting)
}

func beginning(_ name: String? = nil, _ count: Int = 1) -> AppendRequest {
    AppendRequest(
        newStreams: [NewStream(family: family, name: name)],
        drafts: (0..<count).map { draft(.new(0), "\($0)") })
}

func readFile(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "rb"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return bytes
}

func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    let file = try #require(fopen(path, "wb"))
    defer { fclose(file) }
    try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}
