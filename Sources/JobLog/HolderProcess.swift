import Glibc

/// Names a process so that it is known when it is gone: boot, process id and start time.
enum HolderProcess {
    static let current: String = {
        let pid = getpid()
        return "\(bootID) \(pid) \(startTime(of: pid) ?? "0")"
    }()

    /// False only when the process ran on this boot of this host and is gone.
    @Sendable static func mayLive(_ text: String) -> Bool {
        let parts = text.split(separator: " ")
        guard parts.count == 3, parts[0] == bootID, let pid = Int32(parts[1]) else { return true }
        return startTime(of: pid).map { $0 == parts[2] } ?? false
    }

    private static let bootID =
        read("/proc/sys/kernel/random/boot_id")
        .split(separator: "\n").first.map(String.init) ?? "unknown"

    /// Field 22 of /proc/PID/stat (proc(5)); nil for a process that is gone or a zombie.
    private static func startTime(of pid: Int32) -> String? {
        let stat = read("/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
        return String(fields[19])
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
}
