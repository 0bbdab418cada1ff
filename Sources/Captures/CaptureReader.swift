import Packets
import Traceflow

/// Reads captures out of the archive of a folder, each without reading the file around it.
public struct CaptureReader {
    private let folder: String
    private let elsewhere: (_ file: Int64) throws -> (any CaptureBytes)?

    /// `elsewhere` gives a file that is not in the folder; nil where nobody has it.
    public init(
        folder: String,
        elsewhere: @escaping (_ file: Int64) throws -> (any CaptureBytes)? = { _ in nil }
    ) {
        self.folder = folder
        self.elsewhere = elsewhere
    }

    /// Checks the frames the capture lies in, and returns its packets.
    public func packets(of capture: ArchivedCapture) throws -> [PacketFile.Record] {
        let name = capture.fileName
        let blocks = try blocks(of: capture)
        let interfaces = Dictionary(
            capture.interfaces.map {
                ($0.number, PacketFile.Interface(name: $0.name, link: LinkType(rawValue: $0.link)))
            },
            uniquingKeysWith: { first, _ in first })
        let read: PacketFile
        do throws(PacketFileError) {
            read = try PacketFile.read(blocks: blocks, file: name, interfaces: interfaces)
        } catch {
            throw damaged(capture, error.description)
        }
        guard read.records.count == capture.packets, read.skipped == 0 else {
            throw damaged(capture, "\(read.records.count) packets instead of \(capture.packets)")
        }
        return read.records
    }

    /// Where the last of its frames ends in the file; throws when one of them is damaged.
    public func end(of capture: ArchivedCapture) throws -> Int64 { try found(capture).end }

    /// The blocks of its packets, as they lie in the archive.
    private func blocks(of capture: ArchivedCapture) throws -> [UInt8] {
        try found(capture).blocks
    }

    private func found(_ capture: ArchivedCapture) throws -> (blocks: [UInt8], end: Int64) {
        let local: (any CaptureBytes)? = try CaptureFile(folder, capture.file, .read)
        guard let file = try local ?? elsewhere(capture.file) else {
            throw CaptureError(
                .missing, "\(folder)/\(capture.fileName) is not there",
                remedy: "bring the file back from a copy")
        }
        // A frame or two: most captures are small.
        var walk = try FrameWalk(
            file, try file.count(), windowBytes: 2 * CaptureFrames.contentBytes)
        guard (0...CaptureFrames.contentBytesMax).contains(capture.offset),
            (0...Self.lengthMax).contains(capture.length)
        else {
            throw damaged(capture, "it cannot be as long as that")
        }
        let needed = capture.offset + Int(capture.length)
        var content: [UInt8] = []
        var checksum = CaptureFrames.noChecksum
        var start = capture.frame
        while content.count < needed {
            guard let frame = try walk.frame(at: start, expands: true), let more = frame.content
            else { throw damaged(capture, "no whole frame at byte \(start)") }
            content += more
            checksum = CaptureFrames.checksum(checksum, with: frame.checksum)
            start = frame.end
        }
        guard checksum == capture.checksum else {
            throw damaged(capture, "its frames have another checksum")
        }
        return (Array(content[capture.offset..<needed]), start)
    }

    /// Of 65,535 packets of 64 KiB, and something for what is said of them.
    private static let lengthMax: Int64 = 5 << 30

    private func damaged(_ capture: ArchivedCapture, _ why: String) -> CaptureError {
        CaptureError(
            .damaged, "\(folder)/\(capture.fileName): byte \(capture.frame): \(why)",
            remedy: "the capture is lost; bring the file back from a copy")
    }
}
