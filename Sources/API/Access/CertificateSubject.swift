/// Whom a certificate was made out to (X.509, RFC 5280).
struct CertificateSubject: Hashable, Sendable {
    var commonName: String
    var organizations: [String]

    private static let commonName = DER.encoded([2, 5, 4, 3])
    private static let organization = DER.encoded([2, 5, 4, 10])

    init(commonName: String, organizations: [String]) {
        self.commonName = commonName
        self.organizations = organizations
    }

    /// Nil for bytes that are no certificate, and for one without a common name.
    init?(certificate der: [UInt8]) {
        guard let certificate = DER.values(der[...]).first,
            let signed = DER.values(certificate.content).first
        else { return nil }
        var fields = DER.values(signed.content)[...]
        // The version comes first where it is given.
        if fields.first?.tag == 0xa0 { fields = fields.dropFirst() }
        // Serial number, algorithm, issuer, validity, subject.
        guard fields.count >= 5 else { return nil }
        let subject = fields[fields.startIndex + 4]
        var (names, organizations): ([String], [String]) = ([], [])
        for set in DER.values(subject.content) {
            for attribute in DER.values(set.content) {
                let parts = DER.values(attribute.content)
                guard parts.count == 2,
                    let text = String(validating: parts[1].content, as: UTF8.self)
                else { continue }
                if Array(parts[0].content) == Self.commonName { names.append(text) }
                if Array(parts[0].content) == Self.organization { organizations.append(text) }
            }
        }
        guard let name = names.last, !name.isEmpty else { return nil }
        commonName = name
        self.organizations = organizations
    }
}

extension Identity {
    /// As Kubernetes reads client certificates: the common name is the user, organizations are
    /// groups, and groups are roles here.
    init(_ subject: CertificateSubject) {
        self.init(
            name: subject.commonName,
            roles: Set(subject.organizations.compactMap { Role(rawValue: $0) }))
    }
}
