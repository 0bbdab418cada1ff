import CCurl
import Foundation
import Glibc

/// Compares the key a server shows with the pin, when libcurl asks; keeps what was wrong.
final class HostKeyCheck {
    private let pin: HostKeyPin
    private let place: String
    /// Of the key alone, so that the server is asked for one of its type.
    private var ownFile: String?
    private var refusal: RemoteError?

    /// Throws when a file of known hosts cannot be read.
    init(_ pin: HostKeyPin, host: String, port: Int?) throws(RemoteError) {
        self.pin = pin
        let isDefault = port == nil || port == RemoteLocation.sftpPortDefault
        place = isDefault ? host : "[\(host)]:\(port ?? 0)"
        switch pin {
        case .key(let key): ownFile = try Self.write("\(place) \(key.type) \(key.base64)\n")
        case .knownHosts(let path): _ = try Self.readable(path)
        case .sha256, .anyHostKey: break
        }
    }

    deinit { if let ownFile { unlink(ownFile) } }

    private static func readable(_ path: String) throws(RemoteError) -> LocalFile {
        do {
            return try LocalFile(path)
        } catch {
            var error = error
            error.code = .refused
            error.message += ": it should hold known hosts"
            throw error
        }
    }

    private static func write(_ text: String) throws(RemoteError) -> String {
        var template = Array((NSTemporaryDirectory() + "/tracectl-host-XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        let bytes = Array(text.utf8)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw RemoteError(
                .refused, "\(NSTemporaryDirectory()) cannot be written to",
                remedy: "set TMPDIR to a folder that can")
        }
        return template.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    /// To be kept until the request is done.
    func options(_ easy: UnsafeMutableRawPointer) -> [CURLcode] {
        refusal = nil
        let context = Unmanaged.passUnretained(self).toOpaque()
        if case .knownHosts(let path) = pin {
            return [
                ccurl_set_text(easy, CURLOPT_SSH_KNOWNHOSTS, path),
                ccurl_set_known_host(easy, Self.knownHost, context),
            ]
        }
        var codes = [ccurl_set_host_key(easy, Self.hostKey, context)]
        if let ownFile { codes.append(ccurl_set_text(easy, CURLOPT_SSH_KNOWNHOSTS, ownFile)) }
        return codes
    }

    /// What to throw instead of libcurl's own words.
    func explain(_ error: RemoteError) -> RemoteError { refusal ?? error }

    private func accepts(_ shown: [UInt8]) -> Bool {
        let isPinned =
            switch pin {
            case .key(let key): key.bytes == shown
            case .sha256(let digest): SSHPublicKey.digest(shown) == digest
            case .anyHostKey: true
            case .knownHosts: false
            }
        if !isPinned { refuse("host key mismatch", shown) }
        return isPinned
    }

    private func refuse(_ what: String, _ shown: [UInt8]) {
        let type = SSHPublicKey(wire: shown)?.type ?? "unknown type"
        refusal = RemoteError(
            .untrustedServer,
            "\(what): \(place) showed \(type) SHA256:\(SSHPublicKey.digest(shown))",
            remedy: "pin that key if its owner confirms that it is the server's")
    }

    private func accepts(_ match: curl_khmatch, _ shown: [UInt8]) -> Bool {
        switch match {
        case CURLKHMATCH_OK: return true
        case CURLKHMATCH_MISMATCH: refuse("host key mismatch", shown)
        default: refuse("host key is not in the file of known hosts", shown)
        }
        return false
    }

    private static let hostKey: curl_sshhostkeycallback = { context, _, bytes, count in
        guard let context, let bytes else { return Int32(CURLKHMATCH_MISMATCH.rawValue) }
        let check = Unmanaged<HostKeyCheck>.fromOpaque(context).takeUnretainedValue()
        let shown = [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
        let match = check.accepts(shown) ? CURLKHMATCH_OK : CURLKHMATCH_MISMATCH
        return Int32(match.rawValue)
    }

    private static let knownHost: curl_sshkeycallback = { _, _, found, match, context in
        guard let context, let found = found?.pointee, let key = found.key else {
            return Int32(CURLKHSTAT_REJECT.rawValue)
        }
        let check = Unmanaged<HostKeyCheck>.fromOpaque(context).takeUnretainedValue()
        let shown = [UInt8](UnsafeRawBufferPointer(start: key, count: found.len))
        let answer = check.accepts(match, shown) ? CURLKHSTAT_FINE : CURLKHSTAT_REJECT
        return Int32(answer.rawValue)
    }
}
