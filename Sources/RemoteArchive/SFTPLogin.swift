import CCurl
import Glibc

/// How a user shows who they are to an SFTP server.
public enum SFTPAuthentication: Hashable, Sendable {
    /// A private key in OpenSSH's or PEM form: Ed25519 or ECDSA. libssh2 before 1.11 cannot use RSA
    /// keys with servers that refuse SHA-1, as OpenSSH does since 8.8.
    case key(path: String, passphrase: Secret?)
    case password(Secret)
}

struct SFTPLogin {
    let user: String
    let authentication: SFTPAuthentication

    /// Throws when the key cannot be read: libcurl would only say that it was refused.
    func check() throws(RemoteError) {
        guard case .key(let path, _) = authentication else { return }
        do {
            _ = try LocalFile(path)
        } catch {
            var error = error
            error.code = .noCredentials
            error.message += ": it should hold the private key for SFTP"
            throw error
        }
    }

    func options(_ easy: UnsafeMutableRawPointer) -> [CURLcode] {
        var codes = [ccurl_set_text(easy, CURLOPT_USERNAME, user)]
        switch authentication {
        case .key(let path, let passphrase):
            codes += [
                ccurl_set_long(easy, CURLOPT_SSH_AUTH_TYPES, Int(CURLSSH_AUTH_PUBLICKEY)),
                ccurl_set_text(easy, CURLOPT_SSH_PRIVATE_KEYFILE, path),
            ]
            if let passphrase {
                codes.append(ccurl_set_text(easy, CURLOPT_KEYPASSWD, passphrase.text))
            }
        case .password(let password):
            let types = Int(CURLSSH_AUTH_PASSWORD) | Int(CURLSSH_AUTH_KEYBOARD)
            codes += [
                ccurl_set_long(easy, CURLOPT_SSH_AUTH_TYPES, types),
                ccurl_set_text(easy, CURLOPT_PASSWORD, password.text),
            ]
        }
        return codes
    }

    func redact(_ text: String) -> String {
        switch authentication {
        case .key(_, let passphrase): passphrase?.redact(text) ?? text
        case .password(let password): password.redact(text)
        }
    }

    var remedy: String {
        switch authentication {
        case .key(let path, _):
            "check that the server has the public key of \(path) for \(user), and its passphrase"
        case .password: "check the user and the password"
        }
    }
}
