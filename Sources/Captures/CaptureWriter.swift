import Packets
import Traceflow

/// Appends captures to the archive of a folder.
///
///     no file ──add──▶ filling ──64 KiB──▶ a frame is written ──▶ filling
///     filling ──commit──▶ the frame is written, the file synced ──▶ at rest ──add──▶ filling
///     any failure ──▶ cut back to the end of the last commit; what was added since is forgotten
///
/// Invariants:
/// - a frame holds whole blocks, so that a file that ends with a frame is a whole pcapng file;
/// - a file has one writer, which holds its lock, and begins a section of its own in it;
/// - no more than `unsyncedMax` is ever written without a sync, so that only the end of a file can
///   be torn;
/// - nothing is told of a capture that is not synced.
///
/// Blocks on files; not for the threads of tasks.
public final class CaptureWriter {
    public struct Limits: Hashable, Sendable {
        /// A file that has as many bytes is not added to any more.
        public var fileBytes: Int64
        /// Nor one that was begun as many seconds ago.
        public var fileSeconds: Int64

        public init(fileBytes: Int64 = 64 << 20, fileSeconds: Int64 = 86_400) {
            self.fileBytes = fileBytes
            self.fileSeconds = fileSeconds
        }

        /// Whether a file may be added to.
        func allow(bytes: Int64, beganSeconds: Int64, now: Int64) -> Bool {
            // A header may say anything.
            let (age, isOdd) = now.subtractingReportingOverflow(beganSeconds)
            return bytes < fileBytes && !isOdd && age < fileSeconds
        }
    }

    private let folder: String
    private let limits: Limits
    private let now: () -> Int64
    private let index: any CaptureIndex
    private let compressor: FrameCompressor
    /// What was found torn since the writer was made.
    public private(set) var repairs: [CaptureRepair] = []

    private var file: CaptureFile?
    private var beganSeconds: Int64 = 0
    /// Where the last commit ended, and where the frames written since end.
    private var committed: Int64 = 0
    private var end: Int64 = 0
    private var synced: Int64 = 0

    /// The blocks of the frame that is filling.
    private var blocks = PcapngWriter()
    private var interfaces: [InterfaceKey: UInt32] = [:]
    /// Written since the last commit: where each frame begins, and its content's checksum.
    private var frames: [(start: Int64, checksum: UInt32)] = []
    private var pending: [Pending] = []

    private struct InterfaceKey: Hashable {
        var name: String
        var link: LinkType
    }

    /// A capture whose frames are not synced: where they lie in `frames`.
    private struct Pending {
        var firstFrame: Int
        var lastFrame: Int
        var capture: ArchivedCapture
    }

    static let unsyncedMax: Int64 = 4 << 20
    /// How many files are tried, beginning with the newest.
    private static let triedFiles = 8
    public static let application = "tracectl"

    /// `index` is what the log knows of the files; `now` gives seconds since 1970.
    public init(
        folder: String, limits: Limits = Limits(), now: @escaping () -> Int64,
        index: any CaptureIndex
    ) throws(CaptureError) {
        self.folder = folder
        self.limits = limits
        self.now = now
        self.index = index
        compressor = try FrameCompressor()
        blocks.reserve(2 * CaptureFrames.contentBytes)
    }

    /// Adds a capture, its packets in the order in which they were seen; `commit` tells where it
    /// lies. Throws a refusal when there is no packet.
    public func add(_ packets: [SeenPacket]) throws {
        guard let first = packets.first else {
            throw CaptureError(.refused, "a capture without packets is not archived", remedy: "")
        }
        do {
            try takeFile()
            var known: Set<UInt32> = []
            var capture = ArchivedCapture(
                file: file?.number ?? 0, frame: 0, offset: 0, length: 0, packets: packets.count,
                checksum: 0, interfaces: [], firstNanoseconds: first.frame.nanoseconds,
                lastNanoseconds: first.frame.nanoseconds)
            // All before the first packet, so that the capture is packets and nothing else. Packets
            // are looked at in place: to copy each would cost half of what archiving it does.
            var numbers: [UInt32] = []
            numbers.reserveCapacity(packets.count)
            for place in packets.indices {
                if place > 0, packets[place].frame.link == packets[place - 1].frame.link,
                    packets[place].interface == packets[place - 1].interface
                {
                    numbers.append(numbers[place - 1])
                    continue
                }
                let (name, link) = (packets[place].interface, packets[place].frame.link)
                let number = try interface(name, link)
                numbers.append(number)
                if known.insert(number).inserted {
                    capture.interfaces.append(
                        ArchivedCapture.Interface(number: number, name: name, link: link.rawValue))
                }
            }
            try makeRoom(for: first)
            capture.offset = blocks.count
            var added = Pending(
                firstFrame: frames.count, lastFrame: frames.count, capture: capture)
            for place in packets.indices {
                try makeRoom(for: packets[place])
                let before = blocks.count
                blocks.packet(
                    interface: numbers[place], packets[place].frame,
                    comment: packets[place].comment)
                added.capture.length += Int64(blocks.count - before)
                let time = packets[place].frame.nanoseconds
                added.capture.firstNanoseconds = min(added.capture.firstNanoseconds, time)
                added.capture.lastNanoseconds = max(added.capture.lastNanoseconds, time)
            }
            added.lastFrame = frames.count
            pending.append(added)
        } catch {
            giveUp()
            throw error
        }
    }

    /// Writes and syncs what was added; tells where it lies, in the order of adding.
    public func commit() throws -> [ArchivedCapture] {
        guard !pending.isEmpty else { return [] }
        do {
            try writeFrame()
            try file?.sync()
        } catch {
            giveUp()
            throw error
        }
        let archived = pending.map { added in
            var capture = added.capture
            capture.frame = frames[added.firstFrame].start
            capture.checksum = frames[added.firstFrame...added.lastFrame].reduce(
                CaptureFrames.noChecksum
            ) { CaptureFrames.checksum($0, with: $1.checksum) }
            return capture
        }
        (committed, synced) = (end, end)
        pending.removeAll(keepingCapacity: true)
        frames.removeAll(keepingCapacity: true)
        return archived
    }

    private func interface(_ name: String, _ link: LinkType) throws -> UInt32 {
        let key = InterfaceKey(name: name, link: link)
        if let known = interfaces[key] { return known }
        if blocks.count > 0, blocks.count + key.name.utf8.count + 64 > CaptureFrames.contentBytes {
            try writeFrame()
        }
        let number = UInt32(interfaces.count)
        blocks.interface(name: key.name, link: key.link, snaplen: 0)
        interfaces[key] = number
        return number
    }

    /// Ends the frame if the packet's block would not fit.
    private func makeRoom(for packet: SeenPacket) throws {
        let needed =
            packet.frame.bytes.count + min(packet.comment.utf8.count, PcapngWriter.commentBytesMax)
            + 64
        if blocks.count > 0, blocks.count + needed > CaptureFrames.contentBytes {
            try writeFrame()
        }
    }

    private func writeFrame() throws {
        guard let file, blocks.count > 0 else { return }
        if end == 0 {
            let header = CaptureFrames.fileHeader(beganSeconds: beganSeconds)
            try header.withUnsafeBytes { try file.write($0, at: 0) }
            end = Int64(header.count)
        }
        let start = end
        let (bytes, checksum) = try blocks.withBytes { content in
            try compressor.frame(of: content) { bytes in
                try file.write(bytes, at: start)
                return bytes.count
            }
        }
        frames.append((start, checksum))
        end += Int64(bytes)
        blocks.removeAll()
        if end - synced > Self.unsyncedMax {
            try file.sync()
            synced = end
        }
    }

    /// Forgets what is not committed. Where the file cannot even be cut back, the next writer does.
    private func giveUp() {
        try? file?.cut(to: committed)
        file = nil
        pending = []
        frames = []
        blocks.removeAll()
    }

    // MARK: files

    private func takeFile() throws {
        if let file {
            // A commit is of one file. Somebody may have removed it meanwhile.
            if !pending.isEmpty { return }
            if isOpen(end), try file.status().isThere { return }
            self.file = nil
        }
        try CaptureFile.makeFolder(folder)
        let numbers = CaptureFile.numbers(in: folder)
        for number in numbers.suffix(Self.triedFiles).reversed() {
            // One that cannot be opened is left alone: another will do.
            guard let file = try? CaptureFile(folder, number, .write), file.lock() else { continue }
            let status = try file.status()
            let header = try file.read(from: 0, count: CaptureFrames.fileHeaderBytes)
            beganSeconds = CaptureFrames.beganSeconds(header) ?? now()
            guard status.isThere, isOpen(status.bytes), try !index.isClosed(number),
                let end = try repaired(file), isOpen(end)
            else { continue }
            return begin(file, at: end)
        }
        // Never one that was there before, wherever it is now.
        var number = max(numbers.last ?? 0, try index.highestFile()) + 1
        while true {
            if let file = try CaptureFile(folder, number, .create), file.lock() {
                try CaptureFile.syncFolder(folder)
                beganSeconds = now()
                return begin(file, at: 0)
            }
            number += 1
        }
    }

    private func repaired(_ file: CaptureFile) throws -> Int64? {
        let (end, repair) = try CaptureRepair.repair(file, index)
        if let repair { repairs.append(repair) }
        return end
    }

    private func isOpen(_ bytes: Int64) -> Bool {
        limits.allow(bytes: bytes, beganSeconds: beganSeconds, now: now())
    }

    private func begin(_ file: CaptureFile, at end: Int64) {
        self.file = file
        (committed, self.end, synced) = (end, end, end)
        frames = []
        interfaces = [:]
        blocks.removeAll()
        blocks.section(application: Self.application)
    }
}
