extension TrafficFile {
    /// The classic format (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds.
    static func pcap(_ input: inout ByteReader) throws(TrafficFileError) -> TrafficFile {
        let magic = try input.peek32("")
        input.isBigEndian = magic == 0xa1b2_c3d4 || magic == 0xa1b2_3c4d
        let isNano = magic == 0xa1b2_3c4d || magic == 0x4d3c_b2a1
        _ = try input.take(20)
        let number = try input.u32() & 0x0fff_ffff
        guard let link = LinkType(number) else {
            throw input.error("link type \(number) is not supported", at: 20)
        }
        var result = TrafficFile()
        while !input.isAtEnd {
            let start = input.offset
            let seconds = Int64(try input.u32())
            let fraction = Int64(try input.u32())
            let captured = Int(try input.u32())
            _ = try input.u32()
            guard captured <= packetBytesMax else {
                throw input.error("a packet of \(captured) bytes; the file is damaged", at: start)
            }
            let time = seconds * 1_000_000 + (isNano ? fraction / 1000 : fraction)
            result.take(try input.take(captured), link, time)
        }
        return result
    }
}
