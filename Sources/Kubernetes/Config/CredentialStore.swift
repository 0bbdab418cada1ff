import Foundation
import Synchronization

/// The credential that requests carry, kept until it is no longer good. Its calls may block: a
/// file is read, a plugin is run.
final class CredentialStore: Sendable {
    struct Credential: Sendable {
        var authorization: String?
        var identity: ClientIdentity?
    }

    private let configuration: ClientConfiguration
    private let surroundings: Surroundings
    private let state = Mutex(State())

    private struct State {
        var token: (stamp: Surroundings.FileStamp?, text: String)?
        var identity: (stamps: [Surroundings.FileStamp?], identity: ClientIdentity)?
        var plugin: ExecPlugin.Credential?
    }

    /// A plugin's credential that ends sooner is not used any more.
    private static let marginSeconds = 10.0

    init(_ configuration: ClientConfiguration, _ surroundings: Surroundings) {
        self.configuration = configuration
        self.surroundings = surroundings
    }

    /// Whether what is behind it may give another credential when this one is refused.
    var mayChange: Bool {
        switch configuration.login {
        case .exec, .tokenFile: true
        case .none, .basic, .token:
            if case .files = configuration.identity { true } else { false }
        }
    }

    /// Makes sure that a plugin is asked anew: the server refused what it gave.
    func forget() { state.withLock { $0 = State() } }

    func current() throws(ConfigError) -> Credential {
        do {
            return try state.withLock { try current(&$0) }
        } catch let error as ConfigError {
            throw error
        } catch {
            throw ConfigError("\(error)")
        }
    }

    private func current(_ state: inout State) throws -> Credential {
        var credential = Credential(identity: try identity(&state))
        switch configuration.login {
        case .none: break
        case .basic(let user, let password):
            credential.authorization =
                "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        case .token(let token): credential.authorization = "Bearer \(token)"
        case .tokenFile(let path): credential.authorization = "Bearer \(try token(path, &state))"
        case .exec(let plugin):
            let given = try pluginCredential(plugin, &state)
            credential.authorization = given.token.map { "Bearer \($0)" }
            credential.identity = given.identity ?? credential.identity
        }
        if let authorization = credential.authorization,
            !authorization.utf8.allSatisfy({ $0 >= 32 && $0 != 127 })
        {
            throw ConfigError("\(configuration.origin): the token has control characters in it")
        }
        return credential
    }

    private func token(_ path: String, _ state: inout State) throws -> String {
        let stamp = surroundings.stamp(path)
        if let known = state.token, known.stamp == stamp { return known.text }
        guard let bytes = surroundings.contents(path) else {
            // It may be under replacement: the last one is better than none.
            if let known = state.token { return known.text }
            throw ConfigError("\(path): the token cannot be read")
        }
        let text = String(decoding: bytes, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw ConfigError("\(path): no token is in it") }
        state.token = (stamp, text)
        return text
    }

    private func identity(_ state: inout State) throws -> ClientIdentity? {
        switch configuration.identity {
        case nil: return nil
        case .data(let identity): return identity
        case .files(let certificate, let key):
            let stamps = [surroundings.stamp(certificate), surroundings.stamp(key)]
            if let known = state.identity, known.stamps == stamps { return known.identity }
            guard let certificate = surroundings.contents(certificate),
                let key = surroundings.contents(key)
            else {
                if let known = state.identity { return known.identity }
                throw ConfigError("\(certificate): the client certificate or its key is gone")
            }
            let identity = ClientIdentity(certificate: certificate, key: key)
            state.identity = (stamps, identity)
            return identity
        }
    }

    private func pluginCredential(
        _ plugin: ExecPlugin, _ state: inout State
    ) throws -> ExecPlugin.Credential {
        if let known = state.plugin {
            let end = known.expires ?? .distantFuture
            if surroundings.now().addingTimeInterval(Self.marginSeconds) < end { return known }
        }
        let given = try plugin.run()
        state.plugin = given
        return given
    }
}
