import Foundation
import NIOCore
import NIOSSL
import Traceflow
import Worker

/// Bytes as text (RFC 4648).
enum Base64 {
    static func text(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}

/// What the server proves by who it is, and what clients may prove by who they are.
package struct TLSFiles: Sendable {
    /// PEM.
    let certificate: String
    let key: String
    /// Whether clients have no other reason to trust the certificate than being told to.
    let isSelfSigned: Bool
    /// Certificates that sign those of clients, in PEM; nil when clients show none.
    package var clientAuthority: String?

    /// Certificate and key of files.
    package init(certificate: String, key: String) throws {
        self.certificate = try Self.text(certificate)
        self.key = try Self.text(key)
        isSelfSigned = false
        try check(certificate)
    }

    /// The certificate that the server has signed for itself, in a folder; makes it when there is
    /// none, and anew when it is about to end or lacks one of the hosts.
    package init(selfSignedIn folder: String, hosts: [String], clock: Clock = .system) throws {
        let (certificateFile, keyFile) = (folder + "/tls.crt", folder + "/tls.key")
        let hosts = Array(Set(hosts)).sorted()
        let now = clock.now()
        isSelfSigned = true
        if let held = try? (Self.text(certificateFile), Self.text(keyFile)),
            Self.isGood(held.0, for: hosts, at: now)
        {
            (certificate, key) = held
        } else {
            let made = try SelfSigned(hosts: hosts, now: now)
            (certificate, key) = (made.certificatePEM, made.keyPEM)
            try Self.write(key, to: keyFile, in: folder, mode: 0o600)
            try Self.write(certificate, to: certificateFile, in: folder, mode: 0o644)
        }
        try check(certificateFile)
    }

    func configuration() throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(
                try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        if let clientAuthority {
            configuration.trustRoots = .certificates(
                try NIOSSLCertificate.fromPEMBytes(Array(clientAuthority.utf8)))
            // Whoever shows none may have a token.
            configuration.certificateVerification = .optionalVerification
        }
        return configuration
    }

    private func check(_ file: String) throws {
        do {
            _ = try NIOSSLContext(configuration: configuration())
        } catch {
            throw WorkerError("\(file): certificate and key are not good for TLS: \(error)")
        }
    }

    package static func text(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path),
            let text = String(data: data, encoding: .utf8)
        else { throw WorkerError("\(path): the file cannot be read") }
        return text
    }

    private static func write(
        _ text: String, to path: String, in folder: String, mode: Int
    ) throws {
        let manager = FileManager.default
        do {
            try manager.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw WorkerError("\(folder): the folder cannot be made")
        }
        let part = path + ".part"
        guard
            manager.createFile(
                atPath: part, contents: Data(text.utf8), attributes: [.posixPermissions: mode]),
            rename(part, path) == 0
        else { throw WorkerError("\(path): the file cannot be written") }
    }

    private static func isGood(_ pem: String, for hosts: [String], at now: Moment) -> Bool {
        guard let certificate = try? NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).first else {
            return false
        }
        let left = Int64(certificate.notValidAfter) - now.seconds
        guard left > SelfSigned.daysLeftMin * 86_400 else { return false }
        // Which hosts it is for, its bytes tell: they are in it as they are written.
        guard let der = try? certificate.toDERBytes() else { return false }
        return hosts.allSatisfy { host in
            SelfSigned.written(host).map { der.firstRange(of: $0) != nil } ?? false
        }
    }

    /// The names and addresses by which this host may be reached.
    package static func hosts(listening host: String, more: [String]) -> [String] {
        var hosts = ["localhost", "127.0.0.1", "::1"] + more
        if host != "0.0.0.0", host != "::" { return hosts + [host] }
        hosts.append(ProcessInfo.processInfo.hostName)
        for device in (try? System.enumerateDevices()) ?? [] {
            if let address = device.address?.ipAddress { hosts.append(address) }
        }
        return hosts.filter { !$0.isEmpty }
    }
}
