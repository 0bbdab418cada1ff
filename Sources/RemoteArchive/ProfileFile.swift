/// The profiles of a shared credentials or configuration file of AWS.
///
/// Sections in brackets, `name = value`, `#` and `;` at the start of a line for what is not read.
/// Lines that begin with space belong to a setting of several lines, of which none is needed here.
struct ProfileFile: Sendable {
    /// By profile, then by the setting's name in lower case.
    private(set) var profiles: [String: [String: String]] = [:]

    enum Form {
        /// `[name]`
        case credentials
        /// `[profile name]`, and `[default]`.
        case configuration
    }

    /// Throws at a line that is nothing of these, by its number alone: it may hold a secret.
    init(_ text: String, _ form: Form, path: String) throws(RemoteError) {
        var profile: String?
        var number = 0
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            let content = line.trimmingSpace()
            guard let first = content.first, first != "#", first != ";" else { continue }
            if first == "[" {
                guard let end = content.firstIndex(of: "]") else {
                    throw Self.failure(path, number, "the [ of a section is not closed")
                }
                let inside = content[content.index(after: content.startIndex)..<end]
                profile = Self.name(inside.trimmingSpace(), form)
                if let profile, profiles[profile] == nil { profiles[profile] = [:] }
                continue
            }
            guard line.first?.isWhitespace != true else { continue }
            guard let equals = content.firstIndex(of: "=") else {
                throw Self.failure(path, number, "it has no =")
            }
            guard let profile else { continue }
            let name = content[..<equals].trimmingSpace().lowercased()
            var value = content[content.index(after: equals)...].trimmingSpace()
            for mark in [" #", " ;", "\t#", "\t;"] {
                if let note = value.range(of: mark) {
                    value = value[..<note.lowerBound].trimmingSpace()
                }
            }
            profiles[profile]?[name] = value
        }
    }

    /// Nil for sections that are no profiles, such as `[sso-session x]`.
    private static func name(_ section: String, _ form: Form) -> String? {
        let words = section.split(maxSplits: 1, whereSeparator: \.isWhitespace)
        switch form {
        case .credentials: return section.isEmpty ? nil : section
        case .configuration:
            if words.count == 2, words[0] == "profile" { return words[1].trimmingSpace() }
            return section == "default" ? section : nil
        }
    }

    private static func failure(_ path: String, _ line: Int, _ what: String) -> RemoteError {
        RemoteError(.noCredentials, "\(path):\(line): \(what)", remedy: "correct the line")
    }
}

/// The profile that the environment names, in both files.
struct SharedProfile: Sendable {
    let name: String
    let credentialsPath: String?
    let configurationPath: String?
    private(set) var credentials: [String: String]?
    private(set) var configuration: [String: String]?

    /// Files that are not there have nothing; one that cannot be read is an error.
    init(_ surroundings: RemoteSurroundings) throws(RemoteError) {
        name = surroundings.variable("AWS_PROFILE") ?? "default"
        let home = surroundings.variable("HOME")
        let credentialsNamed = surroundings.variable("AWS_SHARED_CREDENTIALS_FILE")
        let configurationNamed = surroundings.variable("AWS_CONFIG_FILE")
        credentialsPath = Self.path(credentialsNamed, home, "credentials")
        configurationPath = Self.path(configurationNamed, home, "config")
        if let path = credentialsPath, SmallFile.isThere(path) {
            let text = try SmallFile.text(path, purpose: "AWS credentials")
            credentials = try ProfileFile(text, .credentials, path: path).profiles[name]
        }
        if let path = configurationPath, SmallFile.isThere(path) {
            let text = try SmallFile.text(path, purpose: "AWS configuration")
            configuration = try ProfileFile(text, .configuration, path: path).profiles[name]
        }
    }

    private static func path(_ named: String?, _ home: String?, _ file: String) -> String? {
        guard let named else { return home.map { "\($0)/.aws/\(file)" } }
        guard named.hasPrefix("~/"), let home else { return named }
        return home + named.dropFirst()
    }
}
