import Foundation
import Synchronization

/// A program that gives credentials, as client-go runs it (kubernetes.io, "client-go credential
/// plugins"; client.authentication.k8s.io v1 and v1beta1).
public struct ExecPlugin: Sendable {
    var program: String
    var arguments: [String]
    /// The whole environment of the program.
    var environment: [String: String]
    var apiVersion: String
    var hint: String?
    /// For messages.
    var place: String

    /// What it gave.
    struct Credential: Sendable {
        var token: String?
        var identity: ClientIdentity?
        /// Nil where it lasts as long as this process.
        var expires: Date?
    }

    private static let versions = [
        "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1",
    ]
    static let secondsMax = 60.0
    private static let drainSeconds = 0.5
    private static let answerBytesMax = 1 << 20

    init(
        _ exec: Kubeconfig.Exec, place: String, folder: String, cluster: JSONValue?,
        _ environment: [String: String]
    ) throws(ConfigError) {
        guard Self.versions.contains(exec.apiVersion) else {
            throw ConfigError(
                "\(place): exec.apiVersion \"\(exec.apiVersion)\" is not supported; use"
                    + " \(Self.versions.joined(separator: " or "))")
        }
        guard !exec.command.isEmpty else { throw ConfigError("\(place): exec.command is empty") }
        guard exec.interactiveMode != "Always" else {
            throw ConfigError(
                "\(place): exec.interactiveMode Always: there is nobody to answer; log in by hand"
                    + " first")
        }
        // A bare name is looked for in PATH, a path is relative to the kubeconfig.
        program =
            exec.command.contains("/")
            ? Kubeconfig.path(exec.command, in: folder) : exec.command
        arguments = exec.args ?? []
        apiVersion = exec.apiVersion
        hint = exec.installHint
        self.place = place
        self.environment = environment
        for variable in exec.env ?? [] { self.environment[variable.name] = variable.value }
        var spec: JSONValue = ["interactive": false]
        if let cluster { spec["cluster"] = cluster }
        let info: JSONValue = .of([
            "apiVersion": .string(exec.apiVersion), "kind": "ExecCredential", "spec": spec,
        ])
        self.environment["KUBERNETES_EXEC_INFO"] = info.description
    }

    /// Runs the program and waits for it, a minute at most. Blocks.
    func run(secondsMax: Double = ExecPlugin.secondsMax) throws(ConfigError) -> Credential {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        let (said, exited) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        process.terminationHandler = { _ in exited.signal() }
        let answer = Mutex(Data())
        let reader = output.fileHandleForReading
        reader.readabilityHandler = { handle in
            let more = handle.availableData
            if more.isEmpty {
                handle.readabilityHandler = nil
                said.signal()
            } else {
                answer.withLock { if $0.count <= Self.answerBytesMax { $0 += more } }
            }
        }
        do {
            try process.run()
        } catch {
            reader.readabilityHandler = nil
            throw failure("cannot be run: \(error.localizedDescription)")
        }
        let end = DispatchTime.now() + secondsMax
        guard exited.wait(timeout: end) == .success else {
            reader.readabilityHandler = nil
            kill(process.processIdentifier, SIGKILL)
            throw failure("did not answer within \(Int(secondsMax.rounded(.up))) s")
        }
        // What it has started, or was started beside it, may hold the pipe open: what it said
        // itself is there by now.
        _ = said.wait(timeout: .now() + Self.drainSeconds)
        reader.readabilityHandler = nil
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw failure("ended with status \(process.terminationStatus)")
        }
        let whole = answer.withLock { $0 }
        guard whole.count <= Self.answerBytesMax else { throw failure("said too much") }
        return try read(whole)
    }

    private func read(_ answer: Data) throws(ConfigError) -> Credential {
        let object: JSONValue
        do {
            object = try JSONValue(parsing: answer)
        } catch {
            throw failure("did not answer with JSON")
        }
        guard object["kind"].text == "ExecCredential", object["apiVersion"].text == apiVersion
        else { throw failure("must answer with an ExecCredential of \(apiVersion)") }
        let status = object["status"]
        var credential = Credential(token: status["token"].text)
        if let certificate = status["clientCertificateData"].text,
            let key = status["clientKeyData"].text
        {
            credential.identity = ClientIdentity(
                certificate: Array(certificate.utf8), key: Array(key.utf8))
        }
        guard credential.token != nil || credential.identity != nil else {
            throw failure("gave neither a token nor a certificate with its key")
        }
        if let text = status["expirationTimestamp"].text {
            guard let moment = Self.moment(text) else {
                throw failure("gave expirationTimestamp \"\(text)\", which is no RFC 3339")
            }
            credential.expires = moment
        }
        return credential
    }

    private static func moment(_ text: String) -> Date? {
        let whole = ISO8601DateFormatter()
        if let date = whole.date(from: text) { return date }
        whole.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return whole.date(from: text)
    }

    private func failure(_ what: String) -> ConfigError {
        ConfigError("\(place): exec plugin \(program) \(what)" + (hint.map { "; \($0)" } ?? ""))
    }
}
