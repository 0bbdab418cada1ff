import Traceflow

/// The hardware address of an interface (IEEE 802).
struct MACAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address as a number; the low 48 bits are used.
    let bits: UInt64

    /// The address of the interface that has the IP address: locally administered, `0a:58` and the
    /// last four bytes, as CNI plugins make it (containernetworking/plugins, pkg/utils/hwaddr).
    ///
    /// Kubernetes does not tell a Pod's hardware address; two addresses of one cluster's Pods that
    /// end alike would share one.
    init(ofInterfaceAt address: IPAddress) {
        bits = 0x0a58 << 32 | UInt64(address.bits & 0xffff_ffff)
    }

    /// The six bytes in their order on the wire.
    var bytes: [UInt8] {
        stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> UInt64($0)) }
    }

    /// Six bytes in hexadecimal, with colons.
    var description: String {
        stride(from: 40, through: 0, by: -8).map { shift in
            let byte = bits >> UInt64(shift) & 0xff
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined(separator: ":")
    }
}
