import Traceflow

/// The IP packets of a capture file, decoded as far as a Traceflow speaks of them.
///
/// A malformed packet, or one that is not IP, is skipped and counted.
public struct TrafficFile: Sendable {
    public var packets: [TrafficPacket] = []
    public var skipped = 0

    public static func read(
        bytes: [UInt8], file: String
    ) throws(PacketFileError) -> TrafficFile {
        let read = try PacketFile.read(bytes: bytes, file: file)
        var result = TrafficFile()
        result.skipped = read.skipped
        for record in read.records {
            if let packet = PacketDecoder.packet(record.frame) {
                result.packets.append(packet)
            } else {
                result.skipped += 1
            }
        }
        return result
    }
}
