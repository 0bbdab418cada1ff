import Crypto
import Glibc
import Traceflow

/// A certificate that a server signs for itself, of a P-256 key.
struct SelfSigned {
    let certificate: [UInt8]
    let key: P256.Signing.PrivateKey

    /// How long it is good, and how long before that ends a new one is made.
    static let daysGood: Int64 = 365
    static let daysLeftMin: Int64 = 14
    private static let dayMicroseconds: Int64 = 86_400_000_000

    /// For the names and addresses.
    init(hosts: [String], now: Moment) throws {
        key = P256.Signing.PrivateKey()
        let signature = DER.sequence([DER.identifier([1, 2, 840, 10045, 4, 3, 2])])
        let name = DER.sequence([
            DER.set([
                DER.sequence([DER.identifier([2, 5, 4, 3]), DER.text("tracectl")])
            ])
        ])
        let serial = SHA256.hash(data: key.publicKey.rawRepresentation).prefix(16)
        let begin = now.advanced(byMicroseconds: -3_600_000_000)
        let end = now.advanced(byMicroseconds: Self.daysGood * Self.dayMicroseconds)
        let signed = DER.sequence([
            DER.value(0xa0, DER.integer([2])), DER.integer(Array(serial)), signature, name,
            DER.sequence([DER.time(Self.time(begin)), DER.time(Self.time(end))]), name,
            Array(key.publicKey.derRepresentation),
            DER.value(0xa3, DER.sequence(Self.extensions(hosts))),
        ])
        let bytes = try key.signature(for: signed).derRepresentation
        certificate = DER.sequence([signed, signature, DER.bits(Array(bytes))])
    }

    var certificatePEM: String { Self.pem("CERTIFICATE", certificate) }
    var keyPEM: String { key.pemRepresentation + "\n" }

    private static func extensions(_ hosts: [String]) -> [[UInt8]] {
        let names = hosts.compactMap(written)
        func one(_ last: UInt64, isCritical: Bool, _ content: [UInt8]) -> [UInt8] {
            DER.sequence([
                DER.identifier([2, 5, 29, last]), isCritical ? DER.boolean(true) : [],
                DER.octets(content),
            ])
        }
        return [
            // Some clients trust nothing that may not sign; it signs itself alone.
            one(19, isCritical: true, DER.sequence([DER.boolean(true), DER.integer([0])])),
            // Digital signature and signing of certificates.
            one(15, isCritical: true, DER.value(0x03, [2, 0x84])),
            one(
                37, isCritical: false,
                DER.sequence([DER.identifier([1, 3, 6, 1, 5, 5, 7, 3, 1])])),
            one(17, isCritical: false, DER.sequence(names)),
        ]
    }

    /// How a host is written in a certificate; nil for what is neither an address nor a name.
    static func written(_ host: String) -> [UInt8]? {
        if let address = address(host) { return DER.value(0x87, address) }
        guard !host.isEmpty, host.utf8.allSatisfy({ (0x21..<0x7f).contains($0) }) else {
            return nil
        }
        return DER.value(0x82, Array(host.utf8))
    }

    /// The bytes of an IP address; nil for a name.
    private static func address(_ host: String) -> [UInt8]? {
        var v4 = in_addr()
        if inet_pton(AF_INET, host, &v4) == 1 { return withUnsafeBytes(of: &v4) { Array($0) } }
        var v6 = in6_addr()
        if inet_pton(AF_INET6, host, &v6) == 1 { return withUnsafeBytes(of: &v6) { Array($0) } }
        return nil
    }

    private static func time(_ moment: Moment) -> String {
        RFC3339.text(moment).filter { $0.isNumber || $0 == "Z" }
    }

    private static func pem(_ label: String, _ bytes: [UInt8]) -> String {
        var text = "-----BEGIN \(label)-----\n"
        let encoded = Array(Base64.text(bytes))
        for start in stride(from: 0, to: encoded.count, by: 64) {
            text += String(encoded[start..<min(start + 64, encoded.count)]) + "\n"
        }
        return text + "-----END \(label)-----\n"
    }
}
