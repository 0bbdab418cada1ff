import Foundation
import TestBinary
import Testing

@testable import RemoteArchive

@Suite("Servers that are pinned") struct HostKeyTests {
    let server: SSHServer
    let scratch: Scratch
    let watch = TransferWatch()
    let time = StillTime()

    init() throws {
        server = try SFTPStoreTests.shared.get()
        scratch = try Scratch()
    }

    private var knownHost: String { "[127.0.0.1]:\(server.port)" }

    @Test("the pinned key is found, whichever of its keys it is") func match() throws {
        let line = { (key: SSHPublicKey) in "\(knownHost) \(key.type) \(key.base64)\n" }
        let pins: [HostKeyPin] = [
            .key(server.hostKey), .key(server.otherHostKey),
            try HostKeyPin(server.hostKey.base64), try HostKeyPin(server.otherHostKey.fingerprint),
            .knownHosts(path: try scratch.file("known", text: line(server.hostKey))),
            .knownHosts(path: try scratch.file("other", text: line(server.otherHostKey))),
            .anyHostKey,
        ]
        for pin in pins { #expect(try server.store(pin: pin).list(watch) == []) }
    }

    @Test("another key is a mismatch that shows the server's, and nothing is tried again")
    func mismatch() throws {
        let stranger = try SSHPublicKey(
            String(contentsOfFile: server.strangerKey() + ".pub", encoding: .utf8))
        let known = try scratch.file(
            "known", text: "\(knownHost) \(stranger.type) \(stranger.base64)\n")
        let pins: [HostKeyPin] = [
            .key(stranger), try HostKeyPin(stranger.fingerprint), .knownHosts(path: known),
        ]
        for pin in pins {
            let error = try failure { try server.store(pin: pin, time: time).list(watch) }
            #expect(error.code == .untrustedServer)
            #expect(error.message.hasPrefix("host key mismatch: \(knownHost) showed "))
            #expect(error.message.contains("SHA256:"))
        }
        #expect(time.waits == [])
    }

    @Test("a server that the file does not know is not talked to", arguments: ["", "# nothing\n"])
    func unknown(text: String) throws {
        let pin = HostKeyPin.knownHosts(path: try scratch.file("known", text: text))
        let error = try failure { try server.store(pin: pin, time: time).list(watch) }
        #expect(error.code == .untrustedServer)
        #expect(error.message.contains("not in the file of known hosts"))
        #expect(time.waits == [])
    }

    @Test("a file of known hosts that is not there is refused") func noFile() throws {
        let error = try failure { try server.store(pin: .knownHosts(path: "/nowhere/known")) }
        #expect(error.code == .refused)
        #expect(error.message.contains("/nowhere/known"))
    }

    @Test(
        "garbage is no key",
        arguments: [
            "", "garbage", "AAAA", "SHA256:", "SHA256:AAAA", "ssh-ed25519", "ssh-ed25519 AAAA",
            "AAAAC3NzaC1lZDI1NTE5AAAAIA==",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
            "AAAABnNzaC14eAAAACABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fIA==",
            "AAAAC3NzaC1lZDI1NTE5/////wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
        ])
    func garbage(text: String) throws {
        let error = try failure { try HostKeyPin(text) }
        #expect(error.code == .refused)
        #expect(error.message.hasPrefix("invalid host public key"))
    }

    @Test("a key reads the same from its line, its bytes and its base64") func forms() throws {
        let key = server.hostKey
        #expect(try SSHPublicKey("\(key.type) \(key.base64) somebody@somewhere") == key)
        #expect(try SSHPublicKey("  \(key.base64)\n") == key)
        #expect(SSHPublicKey(wire: key.bytes) == key)
        #expect(key.type == "ssh-ed25519" && server.otherHostKey.type == "ecdsa-sha2-nistp256")
        #expect(SSHPublicKey(wire: key.bytes + [0]) == nil)
    }

    @Test("a user key that the server does not know is denied at once") func userKey() throws {
        let key = try server.strangerKey()
        let error = try failure { try server.store(key: key, time: time).list(watch) }
        #expect(error.code == .denied)
        #expect(error.remedy.contains(key))
        #expect(time.waits == [])
    }

    @Test("a user key that is not there is named before anything is asked") func noUserKey() throws
    {
        let error = try failure { try server.store(key: "/nowhere/key") }
        #expect(error.code == .noCredentials)
        #expect(error.message.contains("/nowhere/key"))
    }

    @Test("a key with a passphrase needs it; passwords are denied, and shown by nobody")
    func passphrase() throws {
        let phrase = Secrets.add("Pass/Phrase of 2027")
        let right = try #require(Secret(phrase))
        let key = try scratch.file("key", Data(contentsOf: URL(fileURLWithPath: server.userKey)))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        let program = try #require(Child.program(["ssh-keygen"]))
        try Child.run([program, "-q", "-p", "-P", "", "-N", phrase, "-f", key])
        let location = try RemoteLocation(
            "sftp://\(server.user)@127.0.0.1:\(server.port)\(server.folder)/none")
        let store = { (authentication: SFTPAuthentication) in
            try SFTPStore(
                location, pin: .key(server.hostKey), authentication: authentication,
                time.surroundings())
        }
        #expect(try store(.key(path: key, passphrase: right)).list(watch) == [])
        let wrong = try #require(Secret(Secrets.add("Wrong/Phrase of 2027")))
        for authentication in [
            SFTPAuthentication.key(path: key, passphrase: wrong),
            .key(path: key, passphrase: nil), .password(right),
        ] {
            #expect(try failure { try store(authentication).list(watch) }.code == .denied)
        }
        #expect(time.waits == [])
    }

    @Test(
        "lines of folders are read, or said to be unclear",
        arguments: [
            (
                "-rw-r--r--    1 root     root      3000000 Nov 27 17:01 f",
                .file(name: "f", bytes: 3_000_000)
            ),
            ("-rw-r--r-- 1 1000 1000 0 Jan  1  2020 1.lz4", .file(name: "1.lz4", bytes: 0)),
            ("-rw-r--r-- 1 root domain users 10 Jan  1  2020 1.lz4", .unclear(name: "1.lz4")),
            ("-rw-r--r-- 1 a b -1 Jan  1  2020 1.lz4", .unclear(name: "1.lz4")),
            ("1.lz4", .unclear(name: "1.lz4")), ("", .other),
            ("drwxr-xr-x 2 root root 4096 Nov 27 17:01 x", .other),
            ("lrwxrwxrwx 1 root root 5 Nov 27 17:01 x", .other),
            ("-rw-r--r-- 1 root root 5 Nov 27 17:01 x.part", .other),
        ] as [(String, SFTPListing.Entry)])
    func lines(line: String, entry: SFTPListing.Entry) {
        #expect(SFTPListing.entry(line) == entry)
    }
}
