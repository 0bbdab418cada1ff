import CCurl

/// Requests to one server by SFTP; one attempt each.
final class SFTPClient {
    private let server: String
    private let login: SFTPLogin
    private let hostKey: HostKeyCheck
    private let handle: CurlHandle
    private let peer: String

    init(
        host: String, port: Int?, login: SFTPLogin, pin: HostKeyPin, _ limits: TransferLimits
    ) throws(RemoteError) {
        guard Self.isSupported else {
            throw RemoteError(
                .refused, "this machine's libcurl has no SFTP",
                remedy: "install one that is built with libssh2")
        }
        try login.check()
        let name = host.contains(":") ? "[\(host)]" : host
        server = "sftp://\(name):\(port ?? RemoteLocation.sftpPortDefault)"
        peer = server
        self.login = login
        hostKey = try HostKeyCheck(pin, host: host, port: port)
        handle = try CurlHandle(limits)
    }

    static let isSupported: Bool = {
        guard var name = curl_version_info(CURLVERSION_FIRST)?.pointee.protocols else {
            return false
        }
        while let text = name.pointee {
            if String(cString: text) == "sftp" { return true }
            name += 1
        }
        return false
    }()

    private func perform(
        _ transfer: Transfer, options: @escaping (UnsafeMutableRawPointer) -> [CURLcode]
    ) throws {
        transfer.options = { [login, hostKey] easy in
            login.options(easy) + hostKey.options(easy) + options(easy)
        }
        do {
            try handle.perform(transfer, schemes: "sftp", peer: peer)
        } catch let error as RemoteError {
            var error = hostKey.explain(error)
            error.message = login.redact(error.message)
            if error.code == .denied, error.remedy.isEmpty { error.remedy = login.remedy }
            throw error
        }
    }

    private func transfer(_ path: SFTPPath, _ watch: TransferWatch) -> Transfer {
        Transfer(handle, server + path.url, watch)
    }

    /// The size of a file; nil when there is none.
    func size(_ path: SFTPPath, _ watch: TransferWatch) throws -> Int64? {
        let transfer = transfer(path, watch)
        do {
            try perform(transfer) { [ccurl_set_long($0, CURLOPT_NOBODY, 1)] }
        } catch let error as RemoteError where error.code == .absent {
            return nil
        }
        // libcurl tells of no size where it is 0.
        return max(0, transfer.length)
    }

    /// What a server says of a folder, a line each; nil when there is none.
    func lines(_ folder: SFTPPath, _ watch: TransferWatch) throws -> [String]? {
        let transfer = Transfer(handle, server + folder.url + "/", watch)
        do {
            try perform(transfer) { _ in [] }
        } catch let error as RemoteError where error.code == .absent {
            return nil
        }
        let text = String(decoding: transfer.answer, as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }

    /// The bytes of a range, of those that are there.
    func read(
        _ path: SFTPPath, from offset: Int64, count: Int64, _ watch: TransferWatch,
        into sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let transfer = transfer(path, watch)
        transfer.sink = sink
        try perform(transfer) {
            [ccurl_set_text($0, CURLOPT_RANGE, "\(offset)-\(offset + count - 1)")]
        }
    }

    /// Writes the body from an offset on, behind what is there; from 0 on, in place of it. Folders
    /// that are missing are made for their owner alone.
    func write(
        _ body: LocalFile, to path: SFTPPath, from offset: Int64, _ watch: TransferWatch
    ) throws {
        let transfer = transfer(path, watch)
        transfer.body = body
        transfer.progress = { watch.progress($0, body.bytes) }
        try perform(transfer) { easy in
            var codes = [
                ccurl_set_long(
                    easy, CURLOPT_FTP_CREATE_MISSING_DIRS, Int(CURLFTP_CREATE_DIR.rawValue)),
                ccurl_set_long(easy, CURLOPT_NEW_DIRECTORY_PERMS, 0o700),
                ccurl_set_long(easy, CURLOPT_NEW_FILE_PERMS, 0o600),
            ]
            if offset > 0 {
                codes.append(ccurl_set_large(easy, CURLOPT_RESUME_FROM_LARGE, curl_off_t(offset)))
            }
            return codes
        }
    }

    /// Fails where the new name is taken.
    func rename(_ old: SFTPPath, to new: SFTPPath, _ watch: TransferWatch) throws {
        try run("rename \(old.quoted) \(new.quoted)", watch)
    }

    func remove(_ path: SFTPPath, _ watch: TransferWatch) throws {
        try run("rm \(path.quoted)", watch)
    }

    /// Bytes that may be written below a folder; nil when the server does not say.
    func freeBytes(_ folder: SFTPPath, _ watch: TransferWatch) -> Int64? {
        guard let transfer = try? run("statvfs \(folder.quoted)", watch) else { return nil }
        let words = transfer.answerHeaders["statvfs"]?.split(separator: " ") ?? []
        let value = { (name: String) -> Int64? in
            words.firstIndex { $0 == "\(name):" }
                .flatMap { $0 + 1 < words.count ? Int64(words[$0 + 1]) : nil }
        }
        guard let blocks = value("f_bavail"), let size = value("f_frsize") else { return nil }
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: size)
        return overflow ? .max : bytes
    }

    @discardableResult
    private func run(_ command: String, _ watch: TransferWatch) throws -> Transfer {
        let transfer = Transfer(handle, server + "/", watch)
        transfer.commands = [command]
        try perform(transfer) { [ccurl_set_long($0, CURLOPT_NOBODY, 1)] }
        return transfer
    }
}

/// A path on a server, absolute, or below the user's home when it begins with `~`.
struct SFTPPath: Hashable, Sendable {
    let components: [String]

    func appending(_ name: String) -> SFTPPath { SFTPPath(components: components + [name]) }

    var url: String { components.map { "/" + PercentEncoding.encode($0) }.joined() }

    /// As libcurl's commands take it.
    var quoted: String {
        let isHome = components.first == "~"
        let path =
            isHome
            ? components.dropFirst().joined(separator: "/")
            : "/" + components.joined(separator: "/")
        let escaped = (path.isEmpty ? "." : path).map { character in
            character == "\"" || character == "\\" ? "\\\(character)" : String(character)
        }
        return "\"" + escaped.joined() + "\""
    }
}
