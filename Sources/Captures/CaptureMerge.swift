import Packets
import Traceflow

/// Hands over the packets of many captures in the order of time.
///
/// A capture is read when its first packet is due, and let go of after its last, so that only those
/// that overlap are held.
public struct CaptureMerge {
    private var waiting: ArraySlice<ArchivedCapture>
    private var open: [Cursor] = []

    private struct Cursor {
        var records: ArraySlice<PacketFile.Record>
        /// Of two packets of one moment the one of the earlier capture comes first.
        var order: Int

        var key: (Int64, Int) { (records.first?.frame.nanoseconds ?? .max, order) }
    }

    public init(_ captures: [ArchivedCapture]) {
        waiting =
            captures.sorted {
                ($0.firstNanoseconds, $0.file, $0.frame, $0.offset)
                    < ($1.firstNanoseconds, $1.file, $1.frame, $1.offset)
            }[...]
    }

    /// Calls the body with each packet; `read` gives those of one capture.
    public mutating func forEach(
        read: (ArchivedCapture) throws -> [PacketFile.Record],
        _ body: (PacketFile.Record) throws -> Void
    ) throws {
        var order = 0
        while true {
            while let next = waiting.first,
                open.first.map({ next.firstNanoseconds <= $0.key.0 }) ?? true
            {
                waiting.removeFirst()
                let records = try read(next).sorted { $0.frame.nanoseconds < $1.frame.nanoseconds }
                order += 1
                if !records.isEmpty { push(Cursor(records: records[...], order: order)) }
            }
            guard var cursor = open.first, let record = cursor.records.popFirst() else { return }
            try body(record)
            replaceFirst(with: cursor.records.isEmpty ? nil : cursor)
        }
    }

    // MARK: a heap, the earliest first

    private mutating func push(_ cursor: Cursor) {
        open.append(cursor)
        var place = open.count - 1
        while place > 0, open[place].key < open[(place - 1) / 2].key {
            open.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func replaceFirst(with cursor: Cursor?) {
        if let cursor {
            open[0] = cursor
        } else {
            let last = open.removeLast()
            if open.isEmpty { return }
            open[0] = last
        }
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < open.count {
                if open[child].key < open[least].key { least = child }
            }
            if least == place { return }
            open.swapAt(place, least)
            place = least
        }
    }
}

/// Writes packets as one pcapng file, plain or in LZ4 frames, piece by piece.
public struct CaptureOutput {
    private let compressor: FrameCompressor?
    private let emit: ([UInt8]) throws -> Void
    private var writer = PcapngWriter()
    private var interfaces: [Key: UInt32] = [:]
    public private(set) var packets = 0

    private struct Key: Hashable {
        var name: String
        var link: LinkType
    }

    public init(isCompressed: Bool, emit: @escaping ([UInt8]) throws -> Void) throws {
        compressor = isCompressed ? try FrameCompressor() : nil
        self.emit = emit
        writer.section(application: CaptureWriter.application)
    }

    public mutating func add(_ record: PacketFile.Record) throws {
        let key = Key(name: record.interface, link: record.frame.link)
        var number = interfaces[key]
        if number == nil {
            number = UInt32(interfaces.count)
            interfaces[key] = number
            writer.interface(name: key.name, link: key.link, snaplen: 0)
        }
        writer.packet(interface: number ?? 0, record.frame, comment: record.comment)
        packets += 1
        if writer.count >= CaptureFrames.contentBytes { try flush() }
    }

    /// Hands over what is left.
    public mutating func end() throws { try flush() }

    private mutating func flush() throws {
        guard writer.count > 0 else { return }
        if let compressor {
            _ = try writer.withBytes { content in
                try compressor.frame(of: content) { try emit(Array($0)) }
            }
        } else {
            try emit(writer.bytes)
        }
        writer.removeAll()
    }
}
