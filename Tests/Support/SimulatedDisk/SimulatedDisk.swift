import CSimulatedDisk
import Synchronization

/// A disk in memory for SQLite, which can lose power, lose processes and fail on request.
///
///     let disk = SimulatedDisk(seed: 7)
///     let process = disk.startProcess()
///     sqlite3_open_v2("/log/1.db", &handle, flags, process.vfs)
///     disk.cutPower(seed: 1)          // the process is dead, what was not synced is in doubt
///
/// The same calls with the same seeds give the same disk. `simulated_disk.h` has the model.
///
/// `@unchecked Sendable` holds because `handle` never changes, the C functions lock the disk
/// around all they do, and `oracle` is behind a mutex.
public final class SimulatedDisk: @unchecked Sendable {
    let handle: OpaquePointer
    private let oracle = Mutex<Oracle?>(nil)

    /// The seed decides what half-done operations of dying processes leave, and xRandomness.
    public init(seed: UInt64 = 0) { handle = sdisk_new(seed) }

    deinit { sdisk_free(handle) }

    /// A new process, with a VFS of its own name.
    public func startProcess() -> SimulatedProcess { SimulatedProcess(self) }

    /// Asks before each operation what is to become of it; nil lets all proceed.
    ///
    /// Called with the disk locked, on the thread of the operation, from which it may use the
    /// disk, and SQLite on it, as other processes would in between.
    public func onOperation(_ answer: (@Sendable (Operation) -> Answer)?) {
        let next = answer.map { Oracle(answer: $0) }
        // The old one is kept until no operation can be asking it.
        let old = oracle.withLock { current in
            defer { current = next }
            return current
        }
        withExtendedLifetime(old) {
            guard let next else { return sdisk_set_ask(handle, nil, nil) }
            sdisk_set_ask(
                handle,
                { context, question in
                    guard let context, let question else { return sdisk_answer() }
                    let oracle = Unmanaged<Oracle>.fromOpaque(context).takeUnretainedValue()
                    return oracle.answer(Operation(question.pointee)).raw
                }, Unmanaged.passUnretained(next).toOpaque())
        }
    }

    /// Whether the process of that number was not killed.
    public func isAlive(_ number: Int) -> Bool { sdisk_is_alive(handle, Int32(number)) }

    /// Whether others would have to wait for a lock that the process of that number holds.
    public func isHolding(_ number: Int) -> Bool { sdisk_is_holding(handle, Int32(number)) }

    /// All processes die; of what was not synced the seed decides what is left.
    public func cutPower(seed: UInt64) { sdisk_cut_power(handle, seed) }

    /// The same within the n-th operation from now, of whatever process.
    public func cutPower(atOperation n: Int, seed: UInt64) {
        sdisk_cut_power_at(handle, Int64(n), seed)
    }

    /// How often the power was cut.
    public var powerCuts: Int { Int(sdisk_power_cuts(handle)) }

    /// How many changes of files and names were lost in power cuts.
    public var lostChanges: Int { Int(sdisk_lost(handle)) }

    /// How many writes power cuts tore: some sectors of them arrived, others did not.
    public var tornWrites: Int { Int(sdisk_torn(handle)) }

    /// How many writes found too little room.
    public var refusedWrites: Int { Int(sdisk_refused(handle)) }

    /// Operations of all processes so far.
    public var operations: Int { Int(sdisk_operations(handle)) }

    /// Bytes that all files may have together; a write beyond is refused with `SQLITE_FULL`.
    public func setCapacity(_ bytes: Int?) { sdisk_set_capacity(handle, Int64(bytes ?? -1)) }

    /// Bytes that all files have together.
    public var used: Int { Int(sdisk_used(handle)) }

    /// Syncs of these files say that they succeeded, and do nothing.
    public func setLyingSyncs(_ kinds: Set<FileKind>) {
        sdisk_set_lying(handle, kinds.reduce(0) { $0 | 1 << $1.rawValue })
    }

    /// What SQL's `now` is, in milliseconds since 1970.
    public func setTime(milliseconds: Int64) { sdisk_set_time(handle, milliseconds) }

    /// Of paths and contents as processes see them, without what SQLite salts at random.
    public var digest: UInt64 { sdisk_digest(handle) }

    /// Of one file; 0 when there is none.
    public func digest(of path: String) -> UInt64 { sdisk_file_digest(handle, path) }

    /// Makes SQLite's own generator repeatable, which all threads share: for programs of one.
    public static func seedSQLite(_ seed: Int32) { sdisk_seed_sqlite(seed) }
}

extension SimulatedDisk {
    /// What a file is to SQLite.
    public enum FileKind: UInt32, Sendable, CaseIterable {
        case database, wal, journal, other
    }

    /// What a process does with the disk. The order is that of `sdisk_op`.
    public enum OperationKind: UInt32, Sendable, CaseIterable {
        case open, read, write, truncate, sync, lock, mapIndex, lockIndex, delete, size, access
        case rename, syncFolder, list, sleep
    }

    /// One operation, before it is done; only valid while it is asked about.
    public struct Operation {
        private let question: sdisk_question

        init(_ question: sdisk_question) { self.question = question }

        public var process: Int { Int(question.process) }
        public var kind: OperationKind { OperationKind(rawValue: question.op.rawValue) ?? .open }
        public var file: FileKind { FileKind(rawValue: question.kind.rawValue) ?? .other }
        /// Empty for a temporary file.
        public var path: String { String(cString: question.path) }
        public var offset: Int { Int(question.offset) }
        public var length: Int { Int(question.length) }
        /// The how many-th operation of its process it is, from 1.
        public var number: Int { Int(question.number) }
        /// The how many-th of its kind.
        public var numberOfKind: Int { Int(question.number_of_op) }
    }

    /// What is to become of an operation.
    public enum Answer: Sendable {
        case proceed
        /// Fails as on a bad disk; a write after so many bytes.
        case ioError(written: Int = 0)
        /// Writes and truncates find the disk full, after so many bytes; others proceed.
        case full(written: Int = 0)
        /// Locks are found taken; others proceed.
        case busy
        /// A sync that says it succeeded and does nothing; others proceed.
        case lie
        /// The process dies in it.
        case die
        /// The power is cut in it.
        case cutPower(seed: UInt64)

        var raw: sdisk_answer {
            switch self {
            case .proceed: sdisk_answer(verdict: SDISK_PROCEED, part: 0, seed: 0)
            case .ioError(let part):
                sdisk_answer(verdict: SDISK_ERROR, part: Int64(part), seed: 0)
            case .full(let part): sdisk_answer(verdict: SDISK_FULL, part: Int64(part), seed: 0)
            case .busy: sdisk_answer(verdict: SDISK_BUSY, part: 0, seed: 0)
            case .lie: sdisk_answer(verdict: SDISK_LIE, part: 0, seed: 0)
            case .die: sdisk_answer(verdict: SDISK_DIE, part: 0, seed: 0)
            case .cutPower(let seed): sdisk_answer(verdict: SDISK_CUT, part: 0, seed: seed)
            }
        }
    }

    /// Gives the closure an address that C can hold.
    private final class Oracle: Sendable {
        let answer: @Sendable (Operation) -> Answer

        init(answer: @escaping @Sendable (Operation) -> Answer) { self.answer = answer }
    }
}
