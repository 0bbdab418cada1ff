import Foundation
import Glibc
import Synchronization

/// A program that runs beside the tests and ends with them, whatever becomes of them.
final class Child: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let process = Mutex<Process?>(nil)
    private let input = Pipe()
    private let output = Mutex<String>("")

    var said: String { output.withLock { $0 } }

    /// The root of the repository, from where this file really is.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .appendingPathComponent("../../..").standardized.path

    /// The first of these that is there; names without a slash are looked for on the PATH.
    static func program(_ candidates: [String]) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths = candidates.flatMap { name in
            name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
        }
        return paths.first { access($0, X_OK) == 0 }
    }

    /// The shell waits for the end of its input, which comes when this process ends, and kills the
    /// program then.
    init(_ command: [String], environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments =
            ["-c", "\"$@\" & child=$!; read -r line; kill -9 $child; wait", "sh"] + command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let lines = Pipe()
        process.standardInput = input
        process.standardOutput = lines
        process.standardError = lines
        try process.run()
        self.process.withLock { $0 = process }
        let reader = lines.fileHandleForReading
        Thread.detachNewThread { [self] in
            while true {
                let data = reader.availableData
                guard !data.isEmpty else { return }
                output.withLock { $0 += String(decoding: data, as: UTF8.self) }
            }
        }
    }

    deinit { kill() }

    /// Kills it at once.
    func kill() {
        try? input.fileHandleForWriting.close()
        process.withLock { process in
            process?.waitUntilExit()
            process = nil
        }
    }

    /// What the program said once it holds a text; throws after half a minute.
    func wait(for text: String) throws -> String {
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
    static func run(_ command: [String], input: Data? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        let output = Pipe()
        let given = Pipe()
        process.standardOutput = output
        process.standardInput = given
        try process.run()
        if let input { try given.fileHandleForWriting.write(contentsOf: input) }
        try given.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(command[0]) ended with \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// A port of loopback that was free just now, for programs that cannot say which they took.
    static func freePort() throws -> Int {
        let (listener, port) = try Loopback.listen()
        close(listener)
        return port
    }
}

enum Loopback {
    static func listen() throws -> (Int32, Int) {
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

    static func connect(port: Int) throws -> Int32 {
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
