import ArgumentParser
import Foundation
import RemoteArchive
import Traceflow
import Worker

/// How remote archives are reached. Secrets are read from variables and files, never from flags.
struct RemoteOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Of S3: the server, instead of AWS (or AWS_ENDPOINT_URL).", valueName: "url"))
    var s3Endpoint: String?

    @Option(help: ArgumentHelp("Of S3: the region (or AWS_REGION).", valueName: "name"))
    var s3Region: String?

    @Option(
        help: """
            Of S3: whether the bucket is in the host or the path. Default: host for AWS, path for \
            another endpoint.
            """)
    var s3Style: S3Settings.Style?

    @Option(
        help: ArgumentHelp(
            "Of SFTP: the server's public key or its SHA256:… (or TRACECTL_SFTP_HOST_KEY).",
            valueName: "key"))
    var sftpHostKey: String?

    @Option(
        help: ArgumentHelp(
            "Of SFTP: the keys of servers, as OpenSSH keeps them. Default: ~/.ssh/known_hosts.",
            valueName: "file"), completion: .file())
    var sftpKnownHosts: String?

    @Flag(help: "Of SFTP: talk to whoever answers. What is sent is given to them.")
    var sftpAnyHostKey = false

    @Option(
        help: ArgumentHelp(
            "Of SFTP: the private key, Ed25519 or ECDSA (or TRACECTL_SFTP_IDENTITY).",
            valueName: "file"), completion: .file())
    var sftpIdentity: String?

    @Option(
        help: ArgumentHelp(
            "Of SFTP: a file with the password (or TRACECTL_SFTP_PASSWORD).", valueName: "file"),
        completion: .file())
    var sftpPasswordFile: String?

    func validate() throws {
        if [sftpHostKey != nil, sftpKnownHosts != nil, sftpAnyHostKey].filter({ $0 }).count > 1 {
            throw ValidationError(
                "--sftp-host-key, --sftp-known-hosts and --sftp-any-host-key exclude each other")
        }
        if sftpIdentity != nil, sftpPasswordFile != nil {
            throw ValidationError("--sftp-identity and --sftp-password-file exclude each other")
        }
    }

    /// The archives, opened when they are needed.
    var archives: RemoteArchives {
        RemoteArchives { try store($0) }
    }

    func store(_ location: RemoteLocation) throws -> any RemoteStore {
        let surroundings = RemoteSurroundings(unixMilliseconds: {
            Clock.system.now().microseconds / 1000
        })
        switch location {
        case .s3:
            let settings = try S3Settings(
                region: s3Region, endpoint: s3Endpoint, style: s3Style, surroundings)
            return try S3Store(
                location, settings, CredentialsChain(surroundings), surroundings)
        case .sftp:
            return try SFTPStore(
                location, pin: pin(surroundings.environment),
                authentication: authentication(surroundings.environment), surroundings)
        }
    }

    /// The file server of a PacketCapture: whoever answers, where no key is given, as Antrea has
    /// it.
    func store(_ server: PacketCaptureSpec.FileServer) throws -> any RemoteStore {
        let surroundings = RemoteSurroundings(unixMilliseconds: {
            Clock.system.now().microseconds / 1000
        })
        let pin: HostKeyPin =
            try server.hostPublicKey.map { .key(try SSHPublicKey($0)) } ?? .anyHostKey
        var url = server.url
        if let user = surroundings.environment["TRACECTL_SFTP_USER"], !user.isEmpty {
            url = url.replacing("sftp://", with: "sftp://\(user)@", maxReplacements: 1)
        }
        return try SFTPStore(
            RemoteLocation(url), pin: pin, authentication: authentication(surroundings.environment),
            surroundings, policy: RetryPolicy())
    }

    private func pin(_ environment: [String: String]) throws -> HostKeyPin {
        if sftpAnyHostKey { return .anyHostKey }
        if let sftpKnownHosts { return .knownHosts(path: sftpKnownHosts) }
        if let key = sftpHostKey ?? environment["TRACECTL_SFTP_HOST_KEY"], !key.isEmpty {
            return try HostKeyPin(key)
        }
        return .knownHosts(path: (environment["HOME"] ?? "") + "/.ssh/known_hosts")
    }

    private func authentication(_ environment: [String: String]) throws -> SFTPAuthentication {
        if let sftpPasswordFile {
            return .password(try Secret(file: sftpPasswordFile, purpose: "password for SFTP"))
        }
        if let path = sftpIdentity ?? environment["TRACECTL_SFTP_IDENTITY"], !path.isEmpty {
            return .key(
                path: path, passphrase: environment["TRACECTL_SFTP_PASSPHRASE"].flatMap(Secret.init)
            )
        }
        if let password = environment["TRACECTL_SFTP_PASSWORD"].flatMap(Secret.init) {
            return .password(password)
        }
        throw CommandFailure(
            "no way to log in by SFTP is given; give --sftp-identity FILE, or --sftp-password-file",
            status: CommandFailure.usage)
    }
}

extension S3Settings.Style: ExpressibleByArgument {}
