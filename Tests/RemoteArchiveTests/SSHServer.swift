import Foundation
import Glibc
import Synchronization
import TestBinary
import Testing

@testable import RemoteArchive

/// A real sshd on loopback that knows one key and gives files alone.
///
/// As root it runs in namespaces of its own: there it finds the user that it separates privileges
/// with, there is a file system of a mebibyte for it to fill, and all its processes end with the
/// first. Else it runs as whoever runs the tests.
final class SSHServer: Sendable {
    let port: Int
    let user: String
    /// In which users keep files.
    let folder: String
    let userKey: String
    let hostKey: SSHPublicKey
    /// A further key of the server, of another type.
    let otherHostKey: SSHPublicKey
    private let scratch: Scratch
    private let isShared: Bool
    private let child = Mutex<Child?>(nil)
    private let command: [String]
    private let environment: [String: String]

    static let isRoot = getuid() == 0
    /// As root alone.
    var smallFolder: String { scratch.path + "/small" }

    /// One that all tests share is never released: what it leaves is removed otherwise.
    init(isShared: Bool = false) throws {
        self.isShared = isShared
        let tool = Child.root + "/.build/tools/sshd"
        let found = try #require(
            Child.program([tool + "/sshd", "/usr/sbin/sshd"]),
            "sshd is missing: run `scripts/setup tests`")
        scratch = try Scratch()
        let base = scratch.path
        folder = base + "/data"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        user = String(cString: getpwuid(getuid()).pointee.pw_name)
        userKey = try Self.makeKey(base + "/user", "ed25519").path
        let host = try Self.makeKey(base + "/host", "ed25519")
        let otherHost = try Self.makeKey(base + "/host2", "ecdsa")
        hostKey = host.key
        otherHostKey = otherHost.key
        port = try Child.freePort()
        let configuration = """
            ListenAddress 127.0.0.1
            Port \(port)
            HostKey \(host.path)
            HostKey \(otherHost.path)
            PidFile none
            AuthorizedKeysFile \(userKey).pub
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            MaxStartups 100
            ForceCommand internal-sftp
            Subsystem sftp internal-sftp
            """
        let file = try scratch.file("configuration", text: configuration + "\n")
        environment = ["LD_LIBRARY_PATH": tool]
        let server = [found, "-D", "-e", "-f", file]
        if Self.isRoot {
            let users =
                try String(contentsOfFile: "/etc/passwd", encoding: .utf8)
                .split(separator: "\n").filter { !$0.hasPrefix("sshd:") }
                + ["sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin", ""]
            let passwd = try scratch.file("passwd", text: users.joined(separator: "\n"))
            let script = """
                set -e
                mount --bind \(passwd) /etc/passwd
                mount -t tmpfs tmpfs /run
                mkdir /run/sshd \(base)/small
                mount -t tmpfs -o size=1m tmpfs \(base)/small
                exec "$@"
                """
            command =
                [
                    "/usr/bin/unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                    "--kill-child", "/bin/sh", "-c", script, "sh",
                ] + server
        } else {
            command = server
        }
        try start()
    }

    /// Starts it, again after it was killed.
    func start() throws {
        if Self.isRoot { rmdir(smallFolder) }
        let new = try Child(
            command, environment: environment, removing: isShared ? scratch.path : nil)
        _ = try new.wait(for: "Server listening")
        child.withLock { $0 = new }
    }

    /// Kills it; as root, also those who serve its connections, which else go on.
    func kill() {
        child.withLock { child in
            child?.kill()
            child = nil
        }
    }

    private static func makeKey(
        _ path: String, _ type: String
    ) throws -> (path: String, key: SSHPublicKey) {
        let program = try #require(Child.program(["ssh-keygen"]))
        try Child.run([program, "-q", "-t", type, "-N", "", "-C", "test", "-f", path])
        let line = try String(contentsOfFile: path + ".pub", encoding: .utf8)
        return (path, try SSHPublicKey(line))
    }

    /// A private key that the server does not know.
    func strangerKey() throws -> String {
        try Self.makeKey(scratch.path + "/stranger-\(UUID().uuidString)", "ed25519").path
    }

    /// A store in a folder of its own that is not there yet, unless a path is given.
    func store(
        _ path: String? = nil, through port: Int? = nil, pin: HostKeyPin? = nil,
        key: String? = nil, time: StillTime = StillTime(), policy: RetryPolicy = RetryPolicy(),
        limits: TransferLimits = TransferLimits()
    ) throws -> SFTPStore {
        let path = path ?? "\(folder)/\(UUID().uuidString)/captures"
        let location = try RemoteLocation("sftp://\(user)@127.0.0.1:\(port ?? self.port)\(path)")
        return try SFTPStore(
            location, pin: pin ?? .key(hostKey),
            authentication: .key(path: key ?? userKey, passphrase: nil), time.surroundings(),
            limits: limits, policy: policy)
    }
}
