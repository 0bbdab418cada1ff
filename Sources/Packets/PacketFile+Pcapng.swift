extension TrafficFile {
    private struct Interface {
        var link: LinkType?
        /// Ticks in a second.
        var resolution: UInt64 = 1_000_000
    }

    private static let sectionHeader: UInt32 = 0x0a0d_0d0a
    private static let byteOrderMagic: UInt32 = 0x1a2b_3c4d

    /// The next generation format (draft-ietf-opsawg-pcapng): several sections and interfaces.
    static func pcapng(_ input: inout ByteReader) throws(TrafficFileError) -> TrafficFile {
        var result = TrafficFile()
        var interfaces: [Interface] = []
        while !input.isAtEnd {
            let start = input.offset
            if try input.peek32("a block is expected") == sectionHeader {
                try startSection(&input)
                interfaces = []
            }
            let type = try input.u32()
            let length = Int(try input.u32())
            guard length >= 12, length % 4 == 0, length <= input.bytes.count - start else {
                throw input.error(
                    "a block of \(length) bytes; the file is damaged or cut", at: start)
            }
            let end = start + length
            try block(type, end - 4, &input, &interfaces, &result)
            input.offset = end - 4
            guard Int(try input.u32()) == length else {
                throw input.error("the two lengths of a block differ", at: start)
            }
        }
        return result
    }

    private static func startSection(_ input: inout ByteReader) throws(TrafficFileError) {
        let start = input.offset
        var probe = input
        _ = try probe.take(8)
        probe.isBigEndian = true
        let magic = try probe.u32()
        guard magic == byteOrderMagic || magic == byteOrderMagic.byteSwapped else {
            throw input.error("a section header without a byte order", at: start + 8)
        }
        input.isBigEndian = magic == byteOrderMagic
    }

    private static func block(
        _ type: UInt32, _ end: Int, _ input: inout ByteReader, _ interfaces: inout [Interface],
        _ result: inout TrafficFile
    ) throws(TrafficFileError) {
        switch type {
        case 1:
            var interface = Interface(link: LinkType(UInt32(try input.u16())))
            _ = try input.take(6)
            try options(end, &input) { code, value in
                if code == 9, let byte = value.first { interface.resolution = ticks(byte) }
            }
            interfaces.append(interface)
        case 6, 2:
            let start = input.offset
            let index = type == 6 ? Int(try input.u32()) : Int(try input.u32() & 0xffff)
            let ticks = UInt64(try input.u32()) << 32 | UInt64(try input.u32())
            let captured = Int(try input.u32())
            _ = try input.u32()
            guard interfaces.indices.contains(index), captured <= end - input.offset else {
                throw input.error("a packet of no interface, or longer than its block", at: start)
            }
            let interface = interfaces[index]
            let frame = try input.take(captured)
            result.take(frame, interface.link, microseconds(ticks, interface.resolution))
        case 3:
            guard let interface = interfaces.first else {
                throw input.error("a packet before any interface")
            }
            let original = Int(try input.u32())
            result.take(try input.take(min(original, end - input.offset)), interface.link, 0)
        default: break
        }
    }

    private static func options(
        _ end: Int, _ input: inout ByteReader, _ use: (UInt16, ArraySlice<UInt8>) -> Void
    ) throws(TrafficFileError) {
        while input.offset + 4 <= end {
            let code = try input.u16()
            let length = Int(try input.u16())
            if code == 0 { return }
            guard input.offset + length <= end else {
                throw input.error("an option longer than its block")
            }
            use(code, try input.take(length))
            _ = try input.take(min((4 - length % 4) % 4, end - input.offset))
        }
    }

    /// `if_tsresol`: a power of ten, or of two with the highest bit set.
    private static func ticks(_ byte: UInt8) -> UInt64 {
        let exponent = min(Int(byte & 0x7f), byte & 0x80 == 0 ? 18 : 62)
        if byte & 0x80 != 0 { return 1 << UInt64(exponent) }
        return (0..<exponent).reduce(UInt64(1)) { power, _ in power * 10 }
    }

    private static func microseconds(_ ticks: UInt64, _ resolution: UInt64) -> Int64 {
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: resolution)
        let fraction = rest.multipliedFullWidth(by: 1_000_000)
        let micro = resolution.dividingFullWidth(fraction).quotient
        return Int64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000).partialValue
            &+ Int64(clamping: micro)
    }
}
