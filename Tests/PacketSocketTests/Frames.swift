import Traceflow

/// Frames by their fields, for filters to be tried on.
struct Frames {
    var source = "10.0.0.1"
    var destination = "10.0.0.2"
    var number: UInt8 = 17
    var payload: [UInt8] = Frames.ports(1000, 53)
    /// Protocols of the tags in the frame.
    var tags: [UInt16] = []
    /// IPv4: the 16 bits of flags and fragment offset.
    var fragment: UInt16 = 0
    /// IPv4: words of options.
    var options = 0
    /// IPv6: headers before the payload, of 8 bytes each.
    var extensions: [UInt8] = []

    static func ports(_ source: UInt16, _ destination: UInt16) -> [UInt8] {
        word(source) + word(destination) + [0, 8, 0, 0]
    }

    static func tcp(_ source: UInt16, _ destination: UInt16, flags: UInt8) -> [UInt8] {
        word(source) + word(destination) + [UInt8](repeating: 0, count: 8) + [0x50, flags]
            + [UInt8](repeating: 0, count: 6)
    }

    static func icmp(_ type: UInt8, _ code: UInt8 = 0) -> [UInt8] {
        [type, code, 0, 0, 0, 1, 0, 1]
    }

    static func word(_ number: UInt16) -> [UInt8] {
        [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
    }

    private static func bytes(_ text: String) -> [UInt8] {
        guard let address = IPAddress(text) else { return [] }
        return stride(from: address.width - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: address.bits >> UInt128($0))
        }
    }

    private var isV6: Bool { source.contains(":") }

    var ip: [UInt8] {
        let addresses = Self.bytes(source) + Self.bytes(destination)
        guard isV6 else {
            let header = 20 + options * 4
            return [0x40 | UInt8(header / 4), 0] + Self.word(UInt16(header + payload.count))
                + [0, 0] + Self.word(fragment) + [64, number, 0, 0] + addresses
                + [UInt8](repeating: 1, count: options * 4) + payload
        }
        let numbers = extensions + [number]
        let headers = extensions.indices.flatMap {
            [numbers[$0 + 1], 0, 0, 0, 0, 0, 0, 0] as [UInt8]
        }
        return [0x60, 0, 0, 0] + Self.word(UInt16(headers.count + payload.count))
            + [numbers[0], 64] + addresses + headers + payload
    }

    var ethernet: [UInt8] {
        [UInt8](repeating: 2, count: 12) + tags.flatMap { Self.word($0) + [0, 7] }
            + Self.word(isV6 ? 0x86dd : 0x0800) + ip
    }
}
