import Foundation
import Glibc

/// A folder with one log, and the processes at it.
final class Arena {
    let folder: String
    let log: String
    let tracectl: String
    private(set) var children: [Child] = []
    private var startedCount = 0

    init(folder: String, log: String? = nil, tracectl: String) throws {
        self.folder = folder
        self.log = log ?? folder + "/log"
        self.tracectl = tracectl
        try FileManager.default.createDirectory(
            atPath: folder + "/out", withIntermediateDirectories: true)
        try write(Manifests.cluster, to: "cluster.yaml")
    }

    deinit { endAll() }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = folder + "/" + name
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        return file
    }

    var cluster: String { folder + "/cluster.yaml" }

    func start(_ arguments: [String], program: String? = nil) throws -> Child {
        startedCount += 1
        let place = "\(folder)/out/\(startedCount)-\(arguments.first ?? "")"
        let child = try Child(
            program ?? tracectl, arguments,
            environment: [
                "HOME": folder, "TRACECTL_LOG": log, "PATH": "/usr/bin:/bin", "TMPDIR": folder,
            ], output: place + ".out", errors: place + ".err")
        children.append(child)
        return child
    }

    /// Runs a command to its end, which must be the given one.
    @discardableResult
    func run(_ arguments: [String], seconds: Int = 120, status: Int32? = 0) throws -> Child {
        let child = try start(arguments)
        try Wait.until("\(Self.name(of: child)) ends", seconds: seconds) { child.poll() != nil }
        if let status, child.end != .exited(status) { throw Self.wrong(child) }
        release(child)
        return child
    }

    /// Forgets a process that has ended as it should; what it printed stays readable.
    func release(_ child: Child) { children.removeAll { $0 === child } }

    func endAll() {
        for child in children {
            child.signal(SIGKILL)
            // A killed process ends soon; there is nobody left to tell if it does not.
            try? Wait.until("it is gone", seconds: 10) { child.poll() != nil }
        }
        children = []
    }

    static func name(of child: Child) -> String {
        "`tracectl \(child.arguments.prefix(6).joined(separator: " "))` (process \(child.pid))"
    }

    static func wrong(_ child: Child) -> Violation {
        let end: String =
            switch child.end {
            case .exited(let status): "exited with \(status)"
            case .killed(let signal): "was ended by signal \(signal)"
            case nil: "still runs"
            }
        let said = child.errors.split(separator: "\n").suffix(8).joined(separator: "\n  ")
        return Violation("\(name(of: child)) \(end); it said:\n  \(said)")
    }

    /// The process id of the worker that decides now; nil while nobody does.
    func decider() throws -> (pid: pid_t, epoch: Int)? {
        let info = try run(["log", "info"], status: nil)
        // Whoever was to make the log may have been killed before.
        guard info.end == .exited(0) || info.errors.contains("there is no log here") else {
            throw Self.wrong(info)
        }
        defer { info.forget() }
        for line in info.lines where line.hasPrefix("Decider:") {
            let words = line.split(whereSeparator: { " ,".contains($0) })
            guard words.count == 4, let epoch = Int(words[3]) else { continue }
            // NAME-PROCESS-RANDOM
            let parts = words[1].split(separator: "-")
            if parts.count == 3, let pid = pid_t(parts[1]) { return (pid, epoch) }
        }
        return nil
    }
}
