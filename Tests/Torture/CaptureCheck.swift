import Foundation

/// Holds the archive of packets against the log, with programs that are not ours: `lz4`, `tshark`
/// and `capinfos`.
struct CaptureCheck {
    struct Found: Equatable {
        var files = 0
        var captures = 0
        var packets = 0
    }

    private let arena: Arena
    private var found = Found()

    /// `archived` is how many captures the log speaks of.
    static func check(_ arena: Arena, archived: Int) throws -> Found {
        var check = CaptureCheck(arena: arena)
        let listed = try check.list()
        guard check.found.captures == archived else {
            throw Violation(
                "the log speaks of \(archived) captures, and \(check.found.captures) are listed")
        }
        let verify = try arena.run(["capture", "verify"], seconds: 300)
        defer { verify.forget() }
        let (captures, packets) = (check.found.captures, check.found.packets)
        let expected =
            "ok: \(captures) capture\(captures == 1 ? "" : "s"), \(packets) packet"
            + "\(packets == 1 ? "" : "s")\n"
        guard verify.output == expected else {
            throw Violation("capture verify says \(verify.output), and listed is \(expected)")
        }
        try check.readFiles(listed)
        try check.export()
        return check.found
    }

    private init(arena: Arena) { self.arena = arena }

    /// Packets by file, as `capture list` tells.
    private mutating func list() throws -> [String: Int] {
        let list = try arena.run(
            ["capture", "list", "--all-attempts", "--limit", "100000000", "-o", "csv"],
            seconds: 300)
        defer { list.forget() }
        var packets: [String: Int] = [:]
        for line in list.lines.dropFirst() {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard cells.count > 7, let count = Int(cells[5]) else {
                throw Violation("a line of the list that is no capture: \(line)")
            }
            packets[String(cells[7]), default: 0] += count
            found.captures += 1
            found.packets += count
        }
        return packets
    }

    /// Every file opens whole. It may hold more than the log speaks of: what was archived when its
    /// worker was killed.
    private mutating func readFiles(_ listed: [String: Int]) throws {
        let folder = arena.log + "/captures"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".pcapng.lz4") }.sorted()
        for name in names {
            let seen = try number(
                "lz4 -dc '\(folder)/\(name)' | tshark -n -r - -T fields -e frame.number | wc -l")
            guard seen >= listed[name, default: 0] else {
                throw Violation("\(name): \(seen) packets, and \(listed[name] ?? 0) are listed")
            }
            found.files += 1
        }
        if let missing = Set(listed.keys).subtracting(names).first {
            throw Violation("lost: the log speaks of \(missing), and it is not there")
        }
    }

    private func export() throws {
        guard found.captures > 0 else { return }
        let file = arena.folder + "/all.pcapng"
        try arena.run(
            ["capture", "export", "--all-attempts", "--force", "-o", file], seconds: 300
        ).forget()
        let seen = try number("capinfos -M -c '\(file)' | sed -n 's/^Number of packets: *//p'")
        guard seen == found.packets else {
            throw Violation("capinfos counts \(seen) packets, and \(found.packets) are listed")
        }
    }

    private func number(_ script: String) throws -> Int {
        let shell = try arena.start(["-c", "set -o pipefail; " + script], program: "/bin/bash")
        try Wait.until("`\(script)` ends", seconds: 300) { shell.poll() != nil }
        defer { shell.forget() }
        arena.release(shell)
        guard shell.end == .exited(0),
            let number = Int(shell.output.trimmingCharacters(in: .whitespacesAndNewlines))
        else { throw Violation("`\(script)` failed: \(shell.errors) \(shell.output)") }
        return number
    }
}
