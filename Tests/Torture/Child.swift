import Foundation
import Glibc

/// A process of ours, with what it printed.
///
/// Output goes to files and not pipes: it is all there after a kill, and nobody waits for a reader.
final class Child {
    enum End: Equatable {
        case exited(Int32)
        case killed(Int32)
    }

    let pid: pid_t
    let arguments: [String]
    let startedAt: Int64
    private let files: (output: String, errors: String)
    private(set) var end: End?
    private(set) var endedAt: Int64 = 0
    /// Whether we have killed it ourselves.
    private(set) var isDoomed = false

    init(
        _ program: String, _ arguments: [String], environment: [String: String],
        output: String, errors: String
    ) throws {
        self.arguments = arguments
        files = (output, errors)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, file) in [(Int32(1), output), (2, errors)] {
            posix_spawn_file_actions_addopen(
                &actions, descriptor, file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        }
        let words = ([program] + arguments).map { strdup($0) }
        let settings = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in words + settings { free(text) } }
        var pid: pid_t = 0
        startedAt = Wait.now()
        let code = posix_spawn(&pid, program, &actions, nil, words + [nil], settings + [nil])
        guard code == 0 else {
            throw Violation("\(program) cannot be started: \(String(cString: strerror(code)))")
        }
        self.pid = pid
    }

    /// How it ended; nil while it runs.
    @discardableResult
    func poll() -> End? {
        guard end == nil else { return end }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7f
        end = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal)
        endedAt = Wait.now()
        return end
    }

    func signal(_ number: Int32) {
        guard poll() == nil else { return }
        if number == SIGKILL { isDoomed = true }
        Glibc.kill(pid, number)
    }

    /// Kills it and waits until it is gone; returns whether it was still there to be killed.
    @discardableResult
    func kill() throws -> Bool {
        signal(SIGKILL)
        try Wait.until("killed process \(pid) ends", seconds: 30) { poll() != nil }
        return end == .killed(SIGKILL)
    }

    var milliseconds: Int { Int((poll() == nil ? Wait.now() : endedAt) - startedAt) }
    var output: String { Self.text(files.output) }
    var errors: String { Self.text(files.errors) }

    /// What it printed in whole lines: what a reader of it could act on.
    var lines: [Substring] {
        let text = output
        guard let last = text.lastIndex(of: "\n") else { return [] }
        return text[..<last].split(separator: "\n")
    }

    func forget() { for file in [files.output, files.errors] { unlink(file) } }

    private static func text(_ file: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
    }
}

/// Something that must never happen, or did not happen in time.
struct Violation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
