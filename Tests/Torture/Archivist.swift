import Glibc

/// Compresses sealed segments and brings them back, one command at a time, and is killed at it.
///
/// What is archived is not read: before the whole log is looked at, all of it must be back.
struct Archivist {
    private struct Work {
        var child: Child
        var doomAt: Int64?
    }

    let arena: Arena
    private(set) var kills = 0
    private(set) var archivedCount = 0
    private(set) var restoredCount = 0
    private var work: Work?
    /// How long an undisturbed command takes, so that kills fall within it.
    private var typicalMilliseconds = 60

    init(arena: Arena) { self.arena = arena }

    /// Begins to archive or to restore, unless a command of its own is still at work.
    mutating func begin(doomed: Bool, _ chance: inout Chance) throws {
        try look()
        // There is nothing to put away before somebody has made the log.
        guard work == nil, access(arena.log + "/000001.db", F_OK) == 0 else { return }
        let archived = try segments("archived")
        let wished = chance.happens(50) ? archived.prefix(chance.number(1...8)) : []
        let words = wished.isEmpty ? ["archive", "--all"] : ["restore"] + wished
        let child = try arena.start(["log"] + words)
        let moment = Int64(chance.number(0...(typicalMilliseconds * 5 / 4)))
        work = Work(child: child, doomAt: doomed ? child.startedAt + moment : nil)
    }

    mutating func look() throws {
        guard let current = work else { return }
        if let doomAt = current.doomAt, Wait.now() >= doomAt { try current.child.kill() }
        guard current.child.poll() != nil else { return }
        work = nil
        try hear(current.child)
    }

    private mutating func hear(_ child: Child) throws {
        switch child.end {
        case .exited(0): typicalMilliseconds = (typicalMilliseconds * 3 + child.milliseconds) / 4
        case .killed(SIGKILL) where child.isDoomed: kills += 1
        case .exited, .killed, nil: throw Arena.wrong(child)
        }
        for line in child.lines {
            if line.contains(" archived") { archivedCount += 1 }
            if line.hasSuffix(" restored") { restoredCount += 1 }
        }
        child.forget()
        arena.release(child)
    }

    /// Brings everything back.
    mutating func restoreAll() throws {
        try Wait.until("an archivist ends", seconds: 120) {
            try look()
            return work == nil
        }
        let archived = try segments("archived")
        guard !archived.isEmpty else { return }
        let child = try arena.run(["log", "restore"] + archived, seconds: 300)
        restoredCount += archived.count
        child.forget()
    }

    /// The files of the segments in the state, as `log info` names them.
    private func segments(_ state: String) throws -> [String] {
        let info = try arena.run(["log", "info"], status: nil)
        guard info.end == .exited(0) || info.errors.contains("there is no log here") else {
            throw Arena.wrong(info)
        }
        defer { info.forget() }
        // Segment: 000001.db, events 1-300, archived, 4096 bytes
        return info.lines.compactMap { line in
            let parts = line.split(separator: ",").map { $0.drop { $0 == " " } }
            guard line.hasPrefix("Segment:"), parts.count > 2, parts[2] == state else { return nil }
            return parts[0].split(separator: " ").last.map(String.init)
        }
    }
}
