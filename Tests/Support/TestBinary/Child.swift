import Foundation
import Glibc
import Synchronization

/// A program that runs beside the tests and ends with them, whatever becomes of them.
package final class Child: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String

        package init(description: String) { self.description = description }
    }

    private let pid: Mutex<pid_t?>
    /// The end of the program's input, whose closing ends it.
    private let input: Int32
    private let output = Mutex<String>("")

    package var said: String { output.withLock { $0 } }

    /// The root of the repository, from where this file really is.
    package static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .appendingPathComponent("../../../..").standardized.path

    /// The first of these that is there; names without a slash are looked for on the PATH.
    package static func program(_ candidates: [String]) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths = candidates.flatMap { name in
            name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        }
        return paths.first { access($0, X_OK) == 0 }
    }

    /// The shell waits for the end of its input, which comes when this process ends, and kills the
    /// program then; and removes a folder, where one is given.
    package init(
        _ command: [String], environment: [String: String] = [:], removing folder: String? = nil
    ) throws {
        var script = "\"$@\" & child=$!; read -r line; kill -9 $child; wait"
        if let folder { script += "; rm -rf '\(folder)'" }
        let (given, input) = try Self.pipe()
        let (reader, output) = try Self.pipe()
        defer {
            close(given)
            close(output)
        }
        self.input = input
        pid = Mutex(
            try Self.spawn(
                ["/bin/sh", "-c", script, "sh"] + command, environment, input: given,
                output: output))
        Thread.detachNewThread { [weak self] in
            defer { close(reader) }
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = Glibc.read(reader, &chunk, chunk.count)
                guard count > 0 else { return }
                self?.output.withLock { $0 += String(decoding: chunk[..<count], as: UTF8.self) }
            }
        }
    }

    deinit { kill() }

    /// Kills it at once.
    package func kill() {
        pid.withLock { pid in
            guard let running = pid else { return }
            close(input)
            Self.wait(for: running)
            pid = nil
        }
    }

    @discardableResult
    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }

    private static func pipe() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        return (ends[0], ends[1])
    }

    private static let openMax: Int32 = 1024

    /// With these files and no others: what another program holds open does not end with this one.
    private static func spawn(
        _ command: [String], _ environment: [String: String], input: Int32, output: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        for other in 3..<openMax {
            posix_spawn_file_actions_addclose(&actions, other)
        }
        // Threads of tasks block signals, SIGCHLD too, for which the shell would then wait for
        // ever.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let arguments = command.map { strdup($0) } + [nil]
        let settings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + settings { free(text) } }
        var pid: pid_t = 0
        guard posix_spawnp(&pid, command[0], &actions, &attributes, arguments, settings) == 0 else {
            throw Failure(description: "\(command[0]) cannot be started")
        }
        return pid
    }

    /// What it said so far, in lines that are whole.
    package var lines: [Substring] {
        said.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }

    /// What the program said once it holds a text; throws after half a minute.
    package func wait(for text: String) throws -> String {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let said = self.said
            if said.contains(text) { return said }
            usleep(20_000)
        }
        throw Failure(description: "did not say '\(text)' but: \(said)")
    }

    /// Runs a program to its end and returns what it prints.
    @discardableResult
    package static func run(
        _ command: [String], environment: [String: String] = [:], input: String = "/dev/null"
    ) throws -> String {
        let (reader, output) = try pipe()
        let nothing = open(input, O_RDONLY | O_CLOEXEC)
        let pid: pid_t
        do {
            defer {
                close(output)
                close(nothing)
            }
            pid = try spawn(command, environment, input: nothing, output: output)
        }
        var said: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(reader, &chunk, chunk.count)
            guard count > 0 else { break }
            said += chunk[..<count]
        }
        close(reader)
        let text = String(decoding: said, as: UTF8.self)
        guard wait(for: pid) == 0 else {
            throw Failure(description: "\(command[0]) failed: \(text)")
        }
        return text
    }

    /// A port of loopback that was free just now, for programs that cannot say which they took.
    package static func freePort() throws -> Int {
        let (listener, port) = try Loopback.listen()
        close(listener)
        return port
    }
}

package enum Loopback {
    package static func listen() throws -> (Int32, Int) {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, length) == 0 && Glibc.listen(handle, 64) == 0
                    && getsockname(handle, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        return (handle, Int(UInt16(bigEndian: address.sin_port)))
    }

    package static func connect(port: Int) throws -> Int32 {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = Self.address(port: port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(handle)
            throw POSIXError(.ECONNREFUSED)
        }
        return handle
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        address.sin_port = in_port_t(port).bigEndian
        return address
    }
}
