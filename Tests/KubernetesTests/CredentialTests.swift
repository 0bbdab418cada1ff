import Foundation
@testable import Kubernetes
import Testing

@Suite("Credentials are kept as long as they are good")
struct CredentialTests {
    private let disk = Disk()

    private func store(_ login: ClientConfiguration.Login) -> CredentialStore {
        CredentialStore(
            ClientConfiguration(
                server: "https://x", trust: ServerTrust(), login: login, origin: "test"),
            disk.surroundings())
    }

    @Test("a token's file is read again once it was replaced, and kept while it is gone")
    func tokenFile() throws {
        disk.write("/token", "one\n")
        let store = store(.tokenFile("/token"))
        #expect(try store.current().authorization == "Bearer one")
        disk.write("/token", "two")
        #expect(try store.current().authorization == "Bearer two")
        disk.remove("/token")
        #expect(try store.current().authorization == "Bearer two")
    }

    @Test("a token that would end its header is refused")
    func hostileToken() throws {
        disk.write("/token", "one\r\nX-Evil: 1")
        #expect(throws: ConfigError.self) { try store(.tokenFile("/token")).current() }
    }

    @Test("basic credentials are those of RFC 7617")
    func basic() throws {
        let store = store(.basic(user: "Aladdin", password: "open sesame"))
        #expect(try store.current().authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    }

    private func plugin(_ script: String, _ folder: URL) throws -> ExecPlugin {
        try ExecPlugin(
            Kubeconfig.Exec(
                command: "sh", args: ["-c", script],
                env: [.init(name: "FOLDER", value: folder.path)],
                apiVersion: "client.authentication.k8s.io/v1", installHint: "install it",
                provideClusterInfo: true, interactiveMode: "Never"),
            place: "test", folder: "", cluster: ["server": "https://x"],
            ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"])
    }

    private static func answer(_ status: String) -> String {
        """
        echo run >> "$FOLDER/runs"
        echo "$KUBERNETES_EXEC_INFO" > "$FOLDER/info"
        echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":\
        \(status)}'
        """
    }

    private func inFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("plugin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test("a plugin is run once until its credential ends, or is refused")
    func expiry() throws {
        try inFolder { folder in
            let end = disk.surroundings().now().addingTimeInterval(60)
            let stamp = ISO8601DateFormatter().string(from: end)
            let store = store(
                .exec(
                    try plugin(
                        Self.answer(#"{"token":"t","expirationTimestamp":"\#(stamp)"}"#), folder)))
            func runs() throws -> Int {
                try String(contentsOf: folder.appendingPathComponent("runs"), encoding: .utf8)
                    .split(separator: "\n").count
            }
            #expect(try store.current().authorization == "Bearer t")
            #expect(try store.current().authorization == "Bearer t")
            #expect(try runs() == 1)
            disk.pass(seconds: 55)
            _ = try store.current()
            #expect(try runs() == 2)
            store.forget()
            _ = try store.current()
            #expect(try runs() == 3)
            let info = try JSONValue(
                parsing: Data(contentsOf: folder.appendingPathComponent("info")))
            #expect(info["kind"] == "ExecCredential")
            #expect(info["spec"]["cluster"]["server"] == "https://x")
        }
    }

    @Test(
        "a plugin that hangs, or leaves a child that does, is given up",
        arguments: [
            "sleep 3", "sleep 3 & exit 0", "trap '' TERM; sleep 3",
        ])
    func hangs(_ script: String) throws {
        try inFolder { folder in
            let plugin = try plugin(script, folder)
            let error = try #require(throws: ConfigError.self) { try plugin.run(secondsMax: 0.3) }
            #expect(error.description.contains("did not answer"), "\(error)")
        }
    }

    @Test(
        "what a plugin does wrong is told with its hint",
        arguments: [
            ("exit 3", "ended with status 3"), ("echo nonsense", "did not answer with JSON"),
            ("echo '{}'", "must answer with an ExecCredential"),
            (answer("{}"), "gave neither a token nor a certificate"),
            (answer(#"{"token":"t","expirationTimestamp":"soon"}"#), "is no RFC 3339"),
        ])
    func faults(_ script: String, _ message: String) throws {
        try inFolder { folder in
            let plugin = try plugin(script, folder)
            let error = try #require(throws: ConfigError.self) { try plugin.run() }
            #expect(error.description.contains(message), "\(error)")
            #expect(error.description.hasSuffix("install it"))
        }
    }
}
