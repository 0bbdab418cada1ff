import Foundation
import Worker

/// A configuration with which kubectl reaches the server.
public struct Kubeconfig: Sendable {
    var server: String
    /// PEM; nil without TLS.
    var authority: String?
    var token: String?

    /// Writes it, readable by its owner alone.
    public func write(to path: String) throws {
        let manager = FileManager.default
        let part = path + ".part"
        guard
            manager.createFile(
                atPath: part, contents: Data(yaml.utf8), attributes: [.posixPermissions: 0o600]),
            rename(part, path) == 0
        else { throw WorkerError("\(path): the kubeconfig cannot be written") }
    }

    var yaml: String {
        var cluster: [String: OutputValue?] = ["server": .string(server)]
        if let authority {
            cluster["certificate-authority-data"] = .string(
                Data(authority.utf8).base64EncodedString())
        }
        let name = OutputValue.string("tracectl")
        return OutputValue.object([
            "apiVersion": .string("v1"), "kind": .string("Config"), "current-context": name,
            "clusters": .list([.object(["name": name, "cluster": .object(cluster)])]),
            "contexts": .list([
                .object(["name": name, "context": .object(["cluster": name, "user": name])])
            ]),
            "users": .list([
                .object(["name": name, "user": .object(["token": .text(token)])])
            ]),
        ]).yaml
    }
}
