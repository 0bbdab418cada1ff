import ArgumentParser
import Traceflow

/// The `--flow` text of `antctl packetcapture`: `tcp,tcp_dst=80,tcp_flags=+syn-ack` and the like.
enum CaptureFlow {
    private static let known: Set<String> = [
        "ipv6", "icmp", "icmpv6", "tcp", "udp", "tcp_src", "tcp_dst", "tcp_flags", "udp_src",
        "udp_dst", "icmp_type", "icmp_code", "icmpv6_type", "icmpv6_code",
    ]

    /// The packets that the text describes; unknown keys are warned of and ignored.
    static func packet(_ text: String) throws -> PacketSelection {
        let fields = try fields(text)
        for key in fields.keys.sorted() where !known.contains(key) {
            Output.warning("--flow: unknown key \"\(key)\" is ignored")
        }
        func has(_ name: String) -> Bool { fields.keys.contains { $0.hasPrefix(name) } }
        var match = PacketSelection(
            ipFamily: has("ipv6") || has("icmpv6") ? .v6 : .v4, protocol: nil, transports: [])
        if has("icmpv6") {
            match.protocol = .number(58)
            if let message = try Self.message(fields, "icmpv6") {
                match.transports.append(.icmpv6([message]))
            }
        }
        if fields.keys.contains(where: { $0 == "icmp" || $0.hasPrefix("icmp_") }) {
            match.protocol = .number(1)
            if let message = try Self.message(fields, "icmp") {
                match.transports.append(.icmp([message]))
            }
        }
        if has("tcp") {
            match.protocol = .number(6)
            let ports = try Self.ports(fields, "tcp")
            let flags = try fields["tcp_flags"].map { [try Self.flags($0)] } ?? []
            if ports != PacketSelection.Ports() || !flags.isEmpty {
                match.transports.append(.tcp(ports, flags: flags))
            }
        }
        if has("udp") {
            match.protocol = .number(17)
            let ports = try Self.ports(fields, "udp")
            if ports != PacketSelection.Ports() { match.transports.append(.udp(ports)) }
        }
        return match
    }

    /// The keys and values of the text; blanks are ignored.
    private static func fields(_ text: String) throws -> [String: String] {
        var fields: [String: String] = [:]
        for part in text.filter({ !$0.isWhitespace }).split(separator: ",") {
            let pair = part.split(separator: "=", omittingEmptySubsequences: false)
            guard let key = pair.first, !key.isEmpty, pair.count <= 2 else {
                throw ValidationError("--flow: \"\(part)\" is not of the form key or key=value")
            }
            fields[String(key)] = pair.count == 2 ? String(pair[1]) : ""
        }
        return fields
    }

    private static func ports(
        _ fields: [String: String], _ name: String
    ) throws -> PacketSelection.Ports {
        PacketSelection.Ports(
            srcPort: try number(fields, name + "_src"), dstPort: try number(fields, name + "_dst"))
    }

    private static func message(
        _ fields: [String: String], _ name: String
    ) throws -> PacketSelection.Message? {
        let code = try number(fields, name + "_code")
        guard let type = fields[name + "_type"] else {
            if code != nil {
                throw ValidationError("--flow: \(name)_code needs \(name)_type beside it")
            }
            return nil
        }
        if let number = integer(type) { return .init(type: .number(number), code: code) }
        let names = name == "icmp" ? CaptureFilter.icmpTypes : CaptureFilter.icmpv6Types
        guard names[type.lowercased()] != nil else {
            throw ValidationError(
                "--flow: \(name)_type=\(type): is neither a number nor one of"
                    + " \(names.keys.sorted().joined(separator: ", "))")
        }
        return .init(type: .name(type), code: code)
    }

    private static func number(_ fields: [String: String], _ key: String) throws -> Int? {
        guard let text = fields[key] else { return nil }
        guard let number = integer(text) else {
            throw ValidationError("--flow: \(key)=\(text): \"\(text)\" is not a number")
        }
        return number
    }

    /// Decimal, `0x…`, or octal with a leading 0, as Go reads numbers.
    private static func integer(_ text: String) -> Int? {
        let lower = text.lowercased()
        if lower.hasPrefix("0x") { return Int(lower.dropFirst(2), radix: 16) }
        if lower.hasPrefix("0o") { return Int(lower.dropFirst(2), radix: 8) }
        if lower.hasPrefix("0"), lower.count > 1 { return Int(lower.dropFirst(), radix: 8) }
        return Int(lower)
    }

    // MARK: TCP flags

    private static let bits = [
        "fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128,
    ]

    /// A run of `+flag` (is set) and `-flag` (is not), such as `+syn-ack`.
    static func flags(_ text: String) throws -> PacketSelection.Flags {
        var (value, mask) = (0, 0)
        let characters = Array(text)
        var place = 0
        repeat {
            guard place < characters.count, ["+", "-"].contains(characters[place]) else {
                throw ValidationError(
                    "--flow: tcp_flags=\(text): position \(place + 1) must be + or -")
            }
            let isSet = characters[place] == "+"
            var name = ""
            place += 1
            while place < characters.count, characters[place].isLetter {
                name.append(characters[place])
                place += 1
            }
            guard !name.isEmpty else {
                throw ValidationError(
                    "--flow: tcp_flags=\(text): a flag's name is missing at position \(place + 1)")
            }
            guard let bit = bits[name.lowercased()] else {
                throw ValidationError(
                    "--flow: tcp_flags=\(text): unknown flag \"\(name)\"; there are"
                        + " fin, syn, rst, psh, ack, urg, ece, cwr")
            }
            mask |= bit
            if isSet { value |= bit } else { value &= ~bit }
        } while place < characters.count
        return PacketSelection.Flags(value: value, mask: mask)
    }
}
