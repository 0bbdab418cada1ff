import Crypto
import Foundation
import Worker

/// Bearer tokens and whom they stand for, in the format of Kubernetes' static token file: a line
/// each of `token,user,uid,"role,role"`.
///
/// Tokens are kept as digests alone, and nothing that is thrown or said holds one.
package struct TokenFile: Sendable {
    private let identities: [[UInt8]: Identity]
    /// The first one, for the kubeconfig that is written beside the server.
    package let first: String

    private static let bytesMax = 1 << 20
    private static let tokenMin = 16

    package init(path: String) throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let attributes, let data = FileManager.default.contents(atPath: path),
            data.count <= Self.bytesMax
        else { throw WorkerError("\(path): the tokens cannot be read") }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        guard mode & 0o077 == 0 else {
            throw WorkerError("\(path): others may read the tokens; chmod 600 it")
        }
        try self.init(String(decoding: data, as: UTF8.self), file: path)
    }

    init(_ text: String, file: String) throws {
        var identities: [[UInt8]: Identity] = [:]
        var first: String?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            let fields = Self.fields(line.filter { $0 != "\r" })
            if fields == [""] || fields.first?.hasPrefix("#") == true { continue }
            let place = "\(file):\(number + 1)"
            guard fields.count >= 4 else {
                throw WorkerError("\(place): a token, a user, a uid and roles are needed")
            }
            guard fields[0].utf8.count >= Self.tokenMin else {
                throw WorkerError("\(place): a token has \(Self.tokenMin) characters at least")
            }
            guard !fields[1].isEmpty else { throw WorkerError("\(place): the user is missing") }
            var roles: Set<Identity.Role> = []
            for word in fields[3].split(separator: ",") {
                let word = word.filter { $0 != " " }
                guard let role = Identity.Role(rawValue: word) else {
                    let known = Identity.Role.allCases.map(\.rawValue).joined(separator: ", ")
                    throw WorkerError("\(place): \"\(word)\" is none of \(known)")
                }
                roles.insert(role)
            }
            first = first ?? fields[0]
            identities[Self.digest(fields[0])] = Identity(name: fields[1], roles: roles)
        }
        guard let first else { throw WorkerError("\(file): there is no token in it") }
        self.first = first
        self.identities = identities
    }

    /// Whom the token stands for; nil for nobody. Takes as long for any token.
    func identity(of token: String) -> Identity? { identities[Self.digest(token)] }

    private static func digest(_ token: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(token.utf8)))
    }

    /// The fields of a line, of which the last may be quoted and hold commas.
    private static func fields(_ line: String) -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: fields.append("")
            case _: fields[fields.count - 1].append(character)
            }
        }
        return fields
    }
}
