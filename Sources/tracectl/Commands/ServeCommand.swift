import API
import ArgumentParser
import Foundation
import JobLog
import Kubernetes
import Scheduler
import Synchronization
import Traceflow
import Worker

/// Serves the Kubernetes API of a log, and works on it.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the log to kubectl and other Kubernetes clients, and work on it.",
        discussion: """
            For example: tracectl serve --cluster cluster.yaml --kubeconfig-out kc.yaml, and in \
            another terminal: kubectl --kubeconfig kc.yaml apply -f traceflow.yaml
            """)

    @Option(
        help: ArgumentHelp(
            "Where to serve; port 0 lets the system choose.", valueName: "address"))
    var listen = "127.0.0.1:7443"

    @Option(
        help: ArgumentHelp("Write a kubeconfig for the server there.", valueName: "file"),
        completion: .file())
    var kubeconfigOut: String?

    @Flag(name: .customLong("worker"), inversion: .prefixedNo, help: "Work on the log, too.")
    var works = true

    @Flag(
        name: .customLong("operator"),
        help: """
            Make the log's schedules and sweeps what TraceSchedules and TraceSweeps of the real \
            cluster ask for, and tell there how they go.
            """)
    var operates = false

    @OptionGroup(title: "Security") var security: ServeSecurity

    @OptionGroup var cluster: ClusterOptions

    @Option(
        name: .customLong("traffic"),
        help: ArgumentHelp(
            "What the Pods really send, for live traces: a pcap or pcapng file (repeatable), or"
                + " iface:NAME[@NETNS].", valueName: "file"),
        completion: .file(extensions: ["pcap", "pcapng"]))
    var traffic: [String] = []

    @OptionGroup(title: "Worker") var worker: WorkerOptions

    func validate() throws {
        if worker.once { throw ValidationError("--once is for `tracectl worker`") }
        if operates, !cluster.backend.isKubernetes || !works {
            throw ValidationError("--operator needs --backend kubernetes, and a worker")
        }
        try security.check(try address())
    }

    private func address() throws -> ServerAddress {
        do throws(ServerAddress.Invalid) {
            return try ServerAddress(listen)
        } catch {
            throw ValidationError("--listen: \(error)")
        }
    }

    func run() throws {
        let address = try address()
        let log = try worker.log.creating(worker.segments.limits)
        let store = ClusterStore(log: log)
        var requests = RequestOptions.none
        (requests.cluster, requests.traffic) = (cluster, traffic)
        let prepared = try PreparedRequests(requests, log: worker.log)
        var options = APIServer.Options(address: address, version: Tracectl.version)
        options.traffic = try prepared.recordWorld(store)
        options.tokens = try security.tokenFile()
        options.tls = try security.tlsFiles(address, log: worker.log.path)
        options.tell = { Output.warning($0) }
        let server = try APIServer(log: log, clusters: store, options)
        defer { server.stop() }
        if let kubeconfigOut { try server.kubeconfig.write(to: kubeconfigOut) }
        Output.note("serving at \(server.url)")
        if works {
            return try worker.work(
                with: cluster.backend, on: log, store,
                alongside: { operates ? try operate(log, store, $0, $1) : nil }
            ) { server.stop() }
        }
        Self.waitForSignal()
    }

    /// Begins to operate, and returns what ends that.
    private func operate(
        _ log: JobLog, _ store: ClusterStore, _ client: KubernetesClient, _ worker: String
    ) throws -> (() -> Void)? {
        let options = Operator.Options(
            isLeader: { Worker.decider(of: log) == worker },
            complain: { Output.warning("operator: \($0)") })
        let clusterOperator = Operator(
            client: client, log: log, clusters: store, options: options)
        try clusterOperator.start()
        return { clusterOperator.stop() }
    }

    private static func waitForSignal() {
        let ended = DispatchSemaphore(value: 0)
        let interrupt = Interrupt { ended.signal() }
        defer { interrupt.cancel() }
        ended.wait()
    }
}

/// Who may reach the server, and how they know it.
struct ServeSecurity: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Who may do what: a line each of token,user,uid,"roles", roles being view, edit, admin \
            and captures. Without it whoever reaches a loopback address may do anything.
            """, valueName: "file"), completion: .file())
    var tokens: String?

    @Option(
        help: ArgumentHelp(
            "Take client certificates that these sign; their organizations are roles.",
            valueName: "file"), completion: .file())
    var clientCA: String?

    @Option(
        help: ArgumentHelp(
            "The server's certificate. Default beyond loopback: one it signs itself.",
            valueName: "file"), completion: .file())
    var tlsCert: String?

    @Option(
        help: ArgumentHelp("The key of the certificate.", valueName: "file"), completion: .file())
    var tlsKey: String?

    @Flag(
        inversion: .prefixedNo,
        help: """
            Use TLS on loopback, too; the default when somebody has to prove who they are, since \
            kubectl sends no token in clear. Without it beyond loopback nothing is served.
            """)
    var tls: Bool?

    @Option(
        name: .customLong("tls-name"),
        help: ArgumentHelp(
            "A further name or address in the certificate that it signs itself (repeatable).",
            valueName: "name"))
    var tlsNames: [String] = []

    func check(_ address: ServerAddress) throws {
        if (tlsCert == nil) != (tlsKey == nil) {
            throw ValidationError("--tls-cert and --tls-key belong together")
        }
        if tls == false, tlsCert != nil || clientCA != nil {
            throw ValidationError("--no-tls: certificates are of use with TLS alone")
        }
        if address.isLoopback { return }
        if tls == false {
            throw ValidationError("--no-tls: beyond loopback TLS is needed")
        }
        if tokens == nil, clientCA == nil {
            throw ValidationError(
                "--listen \(address): others can reach it: say who may with --tokens or --client-ca"
            )
        }
    }

    func tokenFile() throws -> TokenFile? { try tokens.map { try TokenFile(path: $0) } }

    /// Nil where nothing is encrypted.
    func tlsFiles(_ address: ServerAddress, log: String) throws -> TLSFiles? {
        var files: TLSFiles
        if let tlsCert, let tlsKey {
            files = try TLSFiles(certificate: tlsCert, key: tlsKey)
        } else if tls ?? (tokens != nil || clientCA != nil || !address.isLoopback) {
            files = try TLSFiles(
                selfSignedIn: log + "/serve",
                hosts: TLSFiles.hosts(listening: address.host, more: tlsNames))
        } else {
            return nil
        }
        files.clientAuthority = try clientCA.map { try TLSFiles.text($0) }
        return files
    }
}
