import NIOSSL
import Testing
import Traceflow
import Worker

@testable import API

/// Who clients are, and who the server is.
struct CredentialTests {
    private static let file = """
        # who may what
        0123456789abcdef,alice,1,"view,captures"
        fedcba9876543210,bob,2,edit

        """

    @Test func aTokenStandsForAUserAndRoles() throws {
        let tokens = try TokenFile(Self.file, file: "t")
        #expect(
            tokens.identity(of: "0123456789abcdef")
                == Identity(name: "alice", roles: [.view, .captures]))
        #expect(tokens.identity(of: "fedcba9876543210")?.roles == [.edit])
        for other in ["", "0123456789abcde", "0123456789abcdef "] {
            #expect(tokens.identity(of: other) == nil)
        }
        #expect(tokens.first == "0123456789abcdef")
    }

    @Test(
        arguments: [
            "", "short,a,1,view", "0123456789abcdef,a,1", "0123456789abcdef,,1,view",
            "0123456789abcdef,a,1,root",
        ])
    func aFileThatSaysNothingIsRefusedWithoutItsTokens(text: String) {
        #expect { try TokenFile(text, file: "t") } throws: { error in
            error is WorkerError && !"\(error)".contains("0123456789abcdef")
        }
    }

    @Test func aCertificateThatTheServerSignsIsOneThatOthersRead() throws {
        let now = Clock.system.now()
        let made = try SelfSigned(hosts: ["localhost", "127.0.0.1", "::1"], now: now)
        let read = try NIOSSLCertificate(bytes: made.certificate, format: .der)
        #expect(Int64(read.notValidBefore) == now.seconds - 3600)
        #expect(Int64(read.notValidAfter) == now.seconds + SelfSigned.daysGood * 86_400)
        let subject = CertificateSubject(certificate: made.certificate)
        #expect(subject == CertificateSubject(commonName: "tracectl", organizations: []))
        _ = try NIOSSLPrivateKey(bytes: Array(made.keyPEM.utf8), format: .pem)
        let other = try SelfSigned(hosts: ["localhost"], now: now)
        #expect(other.certificate != made.certificate)
    }

    @Test func bytesThatAreNoCertificateNameNobody() throws {
        let good = try SelfSigned(hosts: ["a"], now: Moment(microseconds: 0)).certificate
        for cut in 0..<good.count { _ = CertificateSubject(certificate: Array(good.prefix(cut))) }
        for place in good.indices {
            var bad = good
            bad[place] ^= 0xff
            _ = CertificateSubject(certificate: bad)
        }
        #expect(CertificateSubject(certificate: []) == nil)
    }

    @Test(
        arguments: [
            ("127.0.0.1:1", true), ("localhost:1", true), ("[::1]:1", true), ("0.0.0.0:1", false),
            ("[::]:1", false), ("10.0.0.1:443", false), ("example.com:443", false),
            ("127.0.0.1.example.com:1", false),
        ])
    func onlyLoopbackIsLoopback(text: String, isLoopback: Bool) throws {
        let address = try ServerAddress(text)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "x", "x:", ":1", "x:99999", "a b:1", "[x:1", "http://x:1"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(throws: ServerAddress.Invalid.self) { try ServerAddress(text) }
    }
}
