extension PacketFile {
    /// The classic format (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds.
    static func pcap(_ input: inout ByteReader) throws(PacketFileError) -> PacketFile {
        let magic = try input.peek32("")
        input.isBigEndian = magic == 0xa1b2_c3d4 || magic == 0xa1b2_3c4d
        let isNano = magic == 0xa1b2_3c4d || magic == 0x4d3c_b2a1
        _ = try input.take(20)
        let number = try input.u32() & 0x0fff_ffff
        guard let link = LinkType(number: number) else {
            throw input.error("link type \(number) is not supported", at: 20)
        }
        var result = PacketFile()
        while !input.isAtEnd {
            let start = input.offset
            let seconds = Int64(try input.u32())
            let fraction = Int64(try input.u32())
            let captured = Int(try input.u32())
            let original = Int(try input.u32())
            guard captured <= packetBytesMax else {
                throw input.error("a packet of \(captured) bytes; the file is damaged", at: start)
            }
            let frame = PacketFrame(
                nanoseconds: seconds * 1_000_000_000 + (isNano ? fraction : fraction * 1000),
                link: link, bytes: try input.take(captured), originalLength: original)
            result.records.append(Record(frame: frame))
        }
        return result
    }
}
