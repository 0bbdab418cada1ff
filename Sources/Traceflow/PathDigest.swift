/// What components did with a packet, whichever endpoint of a Service it went to and wherever that
/// runs: equal for paths that differ in nothing but addresses, Pods and nodes.
///
/// The sum of the digests of the steps, so that it can be made of nodes' reports one after the
/// other, in any order, and costs a number. It is recorded in logs: how it is made never changes.
public struct PathDigest: Hashable, Sendable {
    public private(set) var rawValue: UInt64

    public init(rawValue: UInt64 = 0) { self.rawValue = rawValue }

    /// The path that the observations show.
    public init(of observations: some Sequence<Observation>) {
        self.init()
        for observation in observations {
            if let digest = Self.digest(of: observation) { rawValue &+= digest }
        }
    }

    /// Takes in what another node saw of the packet.
    public mutating func add(_ other: PathDigest) { rawValue &+= other.rawValue }

    /// Sixteen hexadecimal digits.
    public var text: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Nil for a step that depends on where the ends of the packet are: its way between nodes.
    private static func digest(of step: Observation) -> UInt64? {
        var action = step.action.rawValue
        switch (step.component, step.action) {
        case (.forwarding, .forwarded), (.forwarding, .received): return nil
        case (.egress, _):
            // The node that has the Egress' address marks the packet, and does not know the name.
            guard step.egress != nil else { return nil }
            action = ""
        case _: break
        }
        // FNV-1a, each text behind a byte that is in none.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        func mix(_ text: String?) {
            mix(0xFF)
            for byte in (text ?? "").utf8 { mix(byte) }
        }
        mix(step.component.rawValue)
        mix(step.componentInfo)
        mix(action)
        mix(step.networkPolicy)
        mix(step.networkPolicyRule)
        mix(step.egress)
        // Sums of unmixed digests of similar texts would be alike.
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
