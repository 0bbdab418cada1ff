import Glibc
import Synchronization

/// Hears of writes to the files of a folder, by whatever process (inotify(7)).
///
///     armed ──a write──▶ spent ──somebody waits──▶ armed
///                          └──it cannot be watched──▶ spent: looks often, and tries again
///
/// A write is heard of when it is made, which is before the commit it belongs to is done: whoever
/// hears of one looks at the database until the commit shows.
final class FolderWatch: Sendable {
    private let folder: String
    private let changes: Int32
    private let isArmed = Atomic(true)
    private let pokeIn: Int32
    private let pokeOut: Int32

    /// Nil where the folder cannot be watched.
    init?(_ folder: String) {
        changes = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard changes >= 0 else { return nil }
        var ends: [Int32] = [-1, -1]
        guard Self.arm(changes, folder), pipe(&ends) == 0 else {
            close(changes)
            return nil
        }
        self.folder = folder
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (pokeOut, pokeIn) = (ends[0], ends[1])
    }

    /// Whether the next write is heard of. The ones after it are not, until this is called again:
    /// a busy log writes tens of thousands of pages a second, and each that is told of costs its
    /// writer.
    private static func arm(_ descriptor: Int32, _ folder: String) -> Bool {
        let events = UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO) | IN_ONESHOT
        return inotify_add_watch(descriptor, folder, events) >= 0
    }

    deinit {
        close(changes)
        close(pokeIn)
        close(pokeOut)
    }

    /// Waits for a write, a poke, or the time to pass; returns whether there was a write.
    ///
    /// A commit is many writes. Where one was heard of just before, the next need wake nobody:
    /// `isClose` waits for a poke or the time alone, and then tells of the writes meanwhile.
    func wait(milliseconds: Int64, isClose: Bool) -> Bool {
        var span = Int32(clamping: milliseconds)
        if !isArmed.load(ordering: .relaxed) {
            // What was written meanwhile was not heard of.
            if rearm() { return true }
            span = min(span, Self.unheardMilliseconds)
        }
        var waits = [
            pollfd(fd: pokeOut, events: Int16(POLLIN), revents: 0),
            pollfd(fd: changes, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&waits, isClose ? 1 : 2, span)
        if waits[0].revents != 0 { drain(pokeOut) }
        guard isClose || waits[1].revents != 0, drain(changes) else { return false }
        // Before the caller looks at the database, so that no write is missed between.
        rearm()
        return true
    }

    /// How long to wait at most where writes are not heard of.
    private static let unheardMilliseconds: Int32 = 3

    @discardableResult
    private func rearm() -> Bool {
        let isSet = Self.arm(changes, folder)
        isArmed.store(isSet, ordering: .relaxed)
        return isSet
    }

    /// Ends the wait of a thread, or the next one.
    func poke() {
        // A pipe that is full has a poke in it.
        var one: UInt8 = 1
        _ = write(pokeIn, &one, 1)
    }

    /// Returns whether there was anything.
    @discardableResult
    private func drain(_ descriptor: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            var isFirst = true
            while true {
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count <= 0 { return !isFirst }
                isFirst = false
                // What inotify gives fills a buffer hardly ever.
                if count < buffer.count / 2 { return true }
            }
        }
    }
}
