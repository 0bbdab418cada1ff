/// An IPv4 or IPv6 address as a value.
public struct IPAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    public enum Family: Hashable, Sendable { case v4, v6 }

    public let family: Family
    /// The address as a number; an IPv4 address uses the low 32 bits.
    public let bits: UInt128

    public init(family: Family, bits: UInt128) {
        self.family = family
        self.bits = family == .v4 ? bits & 0xffff_ffff : bits
    }

    /// Reads a dotted quad (RFC 791; no leading zeros) or an IPv6 address (RFC 4291, with
    /// `::` and an embedded IPv4 tail, without a zone); nil for anything else.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bits = IPAddress.parse6(Array(text.utf8)) else { return nil }
            self.init(family: .v6, bits: bits)
        } else {
            guard let bits = IPAddress.parse4(Array(text.utf8)[...]) else { return nil }
            self.init(family: .v4, bits: UInt128(bits))
        }
    }

    /// Network byte order: four bytes for IPv4, sixteen for IPv6; nil for another count.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.init(family: .v4, bits: bytes.reduce(0) { $0 << 8 | UInt128($1) })
        case 16: self.init(family: .v6, bits: bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// The number of bits in an address of the family.
    public var width: Int { family == .v4 ? 32 : 128 }

    public static func < (a: IPAddress, b: IPAddress) -> Bool {
        a.family == b.family ? a.bits < b.bits : a.family == .v4
    }

    /// The canonical text (RFC 5952 for IPv6).
    public var description: String {
        switch family {
        case .v4:
            return IPAddress.text4(UInt32(truncatingIfNeeded: bits))
        case .v6: return IPAddress.text6(bits)
        }
    }

    private static func text4(_ bits: UInt32) -> String {
        String(unsafeUninitializedCapacity: 15) { text in
            var count = 0
            func put(_ character: UInt8) {
                text[count] = character
                count += 1
            }
            for shift in [24, 16, 8, 0] as [UInt32] {
                let part = UInt8(truncatingIfNeeded: bits >> shift)
                if part >= 100 { put(48 + part / 100) }
                if part >= 10 { put(48 + part / 10 % 10) }
                put(48 + part % 10)
                if shift > 0 { put(UInt8(ascii: ".")) }
            }
            return count
        }
    }

    private static func parse4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (48...57).contains($0) }),
                part.count == 1 || part.first != 48
            else { return nil }
            let number = part.reduce(0) { $0 * 10 + UInt32($1 - 48) }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    private static func parse6(_ text: [UInt8]) -> UInt128? {
        var halves: [[UInt16]] = [[]]
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: ":") {
                if index + 1 < text.count, text[index + 1] == UInt8(ascii: ":") {
                    guard halves.count == 1 else { return nil }
                    halves.append([])
                    index += 2
                    continue
                }
                // A single colon separates two groups: one must stand on each side.
                guard index > 0, text[index - 1] != UInt8(ascii: ":"), index + 1 < text.count
                else { return nil }
                index += 1
                continue
            }
            let end = text[index...].firstIndex(of: UInt8(ascii: ":")) ?? text.count
            let group = text[index..<end]
            if group.contains(UInt8(ascii: ".")) {
                guard end == text.count, let quad = parse4(group) else { return nil }
                halves[halves.count - 1] += [UInt16(quad >> 16), UInt16(quad & 0xffff)]
            } else {
                guard group.count <= 4,
                    let value = UInt16(String(decoding: group, as: UTF8.self), radix: 16),
                    group.first != UInt8(ascii: "+")
                else { return nil }
                halves[halves.count - 1].append(value)
            }
            index = end
        }
        let given = halves.reduce(0) { $0 + $1.count }
        guard halves.count == 2 ? given < 8 : given == 8 else { return nil }
        let tail = halves.count == 2 ? halves[1] : []
        let groups = halves[0] + Array(repeating: 0, count: 8 - given) + tail
        return groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func text6(_ bits: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) }
        if bits >> 32 == 0xffff {
            return "::ffff:" + IPAddress(family: .v4, bits: bits & 0xffff_ffff).description
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > best.count { best = start..<end }
            start = max(end, start + 1)
        }
        func hex(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.count < 2 { return hex(groups[...]) }
        return hex(groups[..<best.lowerBound]) + "::" + hex(groups[best.upperBound...])
    }
}

/// An address range in prefix notation; host bits of the given address are cleared.
public struct CIDR: Hashable, Sendable, CustomStringConvertible {
    public let network: IPAddress
    public let prefixLength: Int

    /// Reads `ADDRESS/LENGTH`; nil when either part is wrong.
    public init?(_ text: some StringProtocol) {
        guard let slash = text.firstIndex(of: "/"), let address = IPAddress(text[..<slash]),
            let length = Int(text[text.index(after: slash)...]),
            (0...address.width).contains(length),
            text[text.index(after: slash)...].utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        prefixLength = length
        network = IPAddress(
            family: address.family, bits: address.bits & CIDR.mask(length, of: address.width))
    }

    /// The range that holds this address alone.
    public init(only address: IPAddress) {
        network = address
        prefixLength = address.width
    }

    /// Whether the address is of the same family and inside the range.
    public func contains(_ address: IPAddress) -> Bool {
        address.family == network.family
            && address.bits & CIDR.mask(prefixLength, of: network.width) == network.bits
    }

    /// Whether all of the other range is inside this one.
    public func contains(_ other: CIDR) -> Bool {
        other.prefixLength >= prefixLength && contains(other.network)
    }

    /// The first address after the network's own: Antrea gives it to the node's gateway.
    public var firstHost: IPAddress { IPAddress(family: network.family, bits: network.bits + 1) }

    public var description: String { "\(network)/\(prefixLength)" }

    private static func mask(_ length: Int, of width: Int) -> UInt128 {
        guard length > 0 else { return 0 }
        return (UInt128.max >> UInt128(128 - length)) << UInt128(width - length)
    }
}
