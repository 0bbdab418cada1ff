import Yams

/// One kubeconfig as it is written, before it is merged with others.
struct KubeconfigFile: Decodable {
    var kind: String?
    var clusters: [NamedCluster]?
    var users: [NamedUser]?
    var contexts: [NamedContext]?
    var currentContext: String?

    enum CodingKeys: String, CodingKey {
        case kind, clusters, users, contexts
        case currentContext = "current-context"
    }

    struct NamedCluster: Decodable {
        var name: String
        var cluster: Kubeconfig.Cluster
    }

    struct NamedUser: Decodable {
        var name: String
        var user: Kubeconfig.User?
    }

    struct NamedContext: Decodable {
        var name: String
        var context: Kubeconfig.Context
    }

    static func read(_ text: String, file: String) throws(ConfigError) -> KubeconfigFile {
        if text.allSatisfy(\.isWhitespace) { return KubeconfigFile() }
        let read: KubeconfigFile
        do {
            read = try YAMLDecoder().decode(KubeconfigFile.self, from: text)
        } catch let error as DecodingError {
            throw ConfigError("\(file): \(Self.words(error))")
        } catch {
            throw ConfigError("\(file): no kubeconfig: \(Self.place(error))")
        }
        if let kind = read.kind, kind != "Config" {
            throw ConfigError("\(file): kind is \"\(kind)\", and a kubeconfig's is Config")
        }
        return read
    }

    private init() {}

    private static func words(_ error: DecodingError) -> String {
        let (context, what): (DecodingError.Context, String) =
            switch error {
            case .typeMismatch(let type, let context): (context, "is no \(type)")
            case .valueNotFound(_, let context): (context, "has no value")
            case .keyNotFound(let key, let context): (context, "lacks \(key.stringValue)")
            case .dataCorrupted(let context):
                (context, context.underlyingError.map(place) ?? line(context.debugDescription))
            @unknown default: (.init(codingPath: [], debugDescription: ""), "is malformed")
            }
        let path = context.codingPath.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
        return path.isEmpty ? "no kubeconfig: \(what)" : "\(path) \(what)"
    }

    /// Where the YAML ends to be YAML; what is written there may be a secret.
    private static func place(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line), column \(mark.column): \(line(problem))"
        case _: "it is no YAML"
        }
    }

    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
