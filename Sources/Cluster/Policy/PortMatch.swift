/// One entry of a rule's ports or protocols.
struct PortMatch: Hashable, Sendable {
    enum Number: Hashable, Sendable {
        case any
        case range(ClosedRange<Int>)
        /// A container port of the destination Pod, by its name.
        case named(String)
        /// ICMP of either family; nil matches every type or code.
        case icmp(type: Int?, code: Int?)
    }

    /// IP protocol number; nil only for named ports of any protocol.
    var `protocol`: Int?
    var number: Number
    /// Nil when every source port will do.
    var sourcePorts: ClosedRange<Int>?
}

/// What a packet's headers say to a policy.
struct Headers: Hashable, Sendable {
    /// IP protocol number.
    var `protocol`: Int
    /// Destination port; nil for protocols without ports.
    var port: Int?
    /// Nil when it is not known.
    var sourcePort: Int?
    var icmpType: Int?
    var icmpCode: Int?

    static let tcp = 6
    static let udp = 17
    static let sctp = 132
    static let icmp = 1
    static let icmpv6 = 58
    static let igmp = 2

    /// The numbers of the protocols that policies and Services can name.
    static func number(of name: String) -> Int? {
        switch name.uppercased() {
        case "TCP": tcp
        case "UDP": udp
        case "SCTP": sctp
        default: nil
        }
    }

    var isICMP: Bool { `protocol` == Self.icmp || `protocol` == Self.icmpv6 }
}

extension PortMatch {
    /// How the entry stands to a packet before the destination is known.
    enum Outcome: Hashable, Sendable {
        case no
        case yes
        /// Where the destination Pod has a port of the name.
        case byName(String)
    }

    func outcome(_ headers: Headers) -> Outcome {
        if let sourcePorts {
            guard let source = headers.sourcePort, sourcePorts.contains(source) else {
                return .no
            }
        }
        if case .icmp(let type, let code) = number {
            guard headers.isICMP else { return .no }
            let isType = type == nil || type == headers.icmpType
            return isType && (code == nil || code == headers.icmpCode) ? .yes : .no
        }
        guard `protocol` == nil || `protocol` == headers.protocol else { return .no }
        switch number {
        case .any, .icmp: return .yes
        case .range(let range): return headers.port.map(range.contains) == true ? .yes : .no
        case .named(let name): return headers.port == nil ? .no : .byName(name)
        }
    }
}
