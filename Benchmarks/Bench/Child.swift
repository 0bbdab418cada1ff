import Foundation

/// A process that a scenario started.
struct Child {
    let pid: pid_t

    /// Starts a program; what it prints goes nowhere unless `prints`.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], prints: Bool = false
    ) throws -> Child {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if !prints {
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var words = arguments.map { strdup($0) } + [nil]
        var settings = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + settings { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, arguments[0], &actions, nil, &words, &settings)
        guard code == 0 else {
            throw BenchError("\(arguments[0]): \(String(cString: strerror(code)))")
        }
        return Child(pid: pid)
    }

    /// A part of this program in a process of its own.
    static func part(
        _ arguments: [String], environment: [String: String] = [:], prints: Bool = true
    ) throws -> Child {
        let words = ["/proc/self/exe", "child"] + arguments
        return try start(words, environment: environment, prints: prints)
    }

    /// Waits for its end; the CPU time it took, in seconds.
    @discardableResult
    func wait() throws -> Double {
        var status: Int32 = 0
        var usage = rusage()
        while wait4(pid, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw BenchError("a process was lost") }
        }
        if status & 0x7f == 0, status >> 8 > 1 {
            throw BenchError("a process ended with status \(status >> 8)")
        }
        return usage.ru_utime.seconds + usage.ru_stime.seconds
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Ends it in order; the CPU time it took.
    @discardableResult
    func end() throws -> Double {
        signal(SIGTERM)
        return try wait()
    }

    /// Kilobytes of a line of /proc/PID/status, as VmRSS and VmHWM.
    static func kilobytes(_ key: String, of pid: pid_t) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
            return Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1]) ?? 0
        }
        throw BenchError("/proc/\(pid)/status has no \(key)")
    }

    /// CPU time so far in seconds, of /proc/PID/stat.
    static func cpuSeconds(of pid: pid_t) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { throw BenchError("/proc/\(pid)/stat cannot be read") }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

extension timeval {
    var seconds: Double { Double(tv_sec) + Double(tv_usec) / 1e6 }
}
