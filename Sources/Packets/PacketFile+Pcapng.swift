extension PacketFile {
    /// An interface of a section.
    package struct Interface: Sendable {
        package var name: String
        /// Nil for a link that carries no IP.
        package var link: LinkType?
        /// Ticks in a second.
        var resolution: UInt64 = 1_000_000_000
        /// Seconds that timestamps are counted from, since 1970.
        var offsetSeconds: Int64 = 0

        package init(name: String, link: LinkType?) {
            self.name = name
            self.link = link
        }
    }

    private typealias Interfaces = [UInt32: Interface]

    private static let sectionHeader: UInt32 = 0x0a0d_0d0a
    private static let byteOrderMagic: UInt32 = 0x1a2b_3c4d

    /// The next generation format (draft-ietf-opsawg-pcapng): several sections and interfaces.
    static func pcapng(_ input: inout ByteReader) throws(PacketFileError) -> PacketFile {
        var interfaces: Interfaces = [:]
        return try blocks(&input, &interfaces)
    }

    /// Blocks of a section whose header and interfaces are known: little-endian, nanoseconds.
    package static func read(
        blocks bytes: [UInt8], file: String, interfaces: [UInt32: Interface]
    ) throws(PacketFileError) -> PacketFile {
        var input = ByteReader(bytes: bytes, file: file)
        var interfaces = interfaces
        return try blocks(&input, &interfaces)
    }

    private static func blocks(
        _ input: inout ByteReader, _ interfaces: inout Interfaces
    ) throws(PacketFileError) -> PacketFile {
        var result = PacketFile()
        while !input.isAtEnd {
            let start = input.offset
            if try input.peek32("a block is expected") == sectionHeader {
                try startSection(&input)
                interfaces = [:]
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

    private static func startSection(_ input: inout ByteReader) throws(PacketFileError) {
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
        _ type: UInt32, _ end: Int, _ input: inout ByteReader, _ interfaces: inout Interfaces,
        _ result: inout PacketFile
    ) throws(PacketFileError) {
        switch type {
        case 1:
            var interface = Interface(
                name: "", link: LinkType(number: UInt32(try input.u16())))
            interface.resolution = 1_000_000
            _ = try input.take(6)
            let isBigEndian = input.isBigEndian
            try options(end, &input) { code, value in
                switch code {
                case 2: interface.name = String(decoding: value, as: UTF8.self)
                case 9:
                    if let byte = value.first { interface.resolution = ticks(byte) }
                case 14:
                    interface.offsetSeconds = seconds(value, isBigEndian: isBigEndian)
                default: break
                }
            }
            interfaces[UInt32(interfaces.count)] = interface
        case 6, 2:
            let start = input.offset
            let index = type == 6 ? try input.u32() : try input.u32() & 0xffff
            let ticks = UInt64(try input.u32()) << 32 | UInt64(try input.u32())
            let captured = Int(try input.u32())
            let original = Int(try input.u32())
            guard let interface = interfaces[index], captured <= end - input.offset else {
                throw input.error("a packet of no interface, or longer than its block", at: start)
            }
            let bytes = try input.take(captured)
            var comment = ""
            if type == 6, end - input.offset > 4 {
                _ = try input.take(min((4 - captured % 4) % 4, end - input.offset))
                try options(end, &input) { code, value in
                    if code == 1 { comment = String(decoding: value, as: UTF8.self) }
                }
            }
            result.take(
                bytes, original, interface, nanoseconds(ticks, interface), comment)
        case 3:
            guard let interface = interfaces[0] else {
                throw input.error("a packet before any interface")
            }
            let original = Int(try input.u32())
            result.take(
                try input.take(min(original, end - input.offset)), original, interface, 0, "")
        default: break
        }
    }

    private static func options(
        _ end: Int, _ input: inout ByteReader, _ use: (UInt16, ArraySlice<UInt8>) -> Void
    ) throws(PacketFileError) {
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

    /// `if_tsoffset`; 0 where it is not eight bytes.
    private static func seconds(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> Int64 {
        guard bytes.count == 8 else { return 0 }
        let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(bitPattern: isBigEndian ? bits : bits.byteSwapped)
    }

    private static func nanoseconds(_ ticks: UInt64, _ interface: Interface) -> Int64 {
        let counted = nanoseconds(ticks, interface.resolution)
        guard interface.offsetSeconds != 0 else { return counted }
        let (offset, isTooFar) = interface.offsetSeconds.multipliedReportingOverflow(
            by: 1_000_000_000)
        return isTooFar ? counted : counted &+ offset
    }

    private static func nanoseconds(_ ticks: UInt64, _ resolution: UInt64) -> Int64 {
        if resolution == 1_000_000_000 { return Int64(clamping: ticks) }
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: resolution)
        let fraction = rest.multipliedFullWidth(by: 1_000_000_000)
        let nano = resolution.dividingFullWidth(fraction).quotient
        return Int64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000).partialValue
            &+ Int64(clamping: nano)
    }

    private mutating func take(
        _ bytes: ArraySlice<UInt8>, _ original: Int, _ interface: Interface,
        _ nanoseconds: Int64, _ comment: String
    ) {
        guard let link = interface.link else {
            skipped += 1
            return
        }
        records.append(
            Record(
                frame: PacketFrame(
                    nanoseconds: nanoseconds, link: link, bytes: bytes, originalLength: original),
                interface: interface.name, comment: comment))
    }
}
