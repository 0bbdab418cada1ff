import ArgumentParser
import Cluster
import Foundation
import JobLog
import Kubernetes
import Worker

/// Which data plane answers: the embedded one, or a real cluster's.
struct BackendOptions: ParsableArguments {
    enum Kind: String, CaseIterable, ExpressibleByArgument { case simulated, kubernetes }

    @Option(
        help: ArgumentHelp(
            "Who runs the traces: the embedded model, or Antrea on the cluster of a kubeconfig.",
            valueName: "data plane"))
    var backend: Kind?

    @Option(
        help: ArgumentHelp(
            "The kubeconfig of the real cluster. Default: KUBECONFIG, ~/.kube/config, or the Pod's"
                + " service account.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The kubeconfig's context to use.", valueName: "name"))
    var context: String?

    @Option(
        help: ArgumentHelp(
            "So many of Antrea's 14 tags are left to people.", valueName: "count"))
    var reserveTags = 4

    @Option(
        help: ArgumentHelp(
            "So many traces a second are begun on the real cluster at most.", valueName: "rate"))
    var maxRate: Double?

    @Option(
        help: ArgumentHelp(
            "So many a second at most that touch one namespace.", valueName: "rate"))
    var maxRatePerNamespace: Double?

    func validate() throws {
        for (name, rate) in [
            ("--max-rate", maxRate), ("--max-rate-per-namespace", maxRatePerNamespace),
        ] {
            guard let rate else { continue }
            guard rate >= 0.001, rate <= 10_000 else {
                throw ValidationError("\(name) must be between 0.001 and 10000 a second")
            }
            guard isKubernetes else {
                throw ValidationError("\(name) is for --backend kubernetes")
            }
        }
        guard (0...13).contains(reserveTags) else {
            throw ValidationError("--reserve-tags must be between 0 and 13")
        }
        if !isKubernetes, kubeconfig != nil || context != nil {
            throw ValidationError("--kubeconfig and --context are for --backend kubernetes")
        }
    }

    var isKubernetes: Bool { backend == .kubernetes }

    func client() throws -> KubernetesClient {
        try KubernetesClient(
            ClientConfiguration.load(
                kubeconfig: kubeconfig, context: context, surroundings: .system),
            userAgent: "tracectl/\(Tracectl.version)", surroundings: .system)
    }

    /// Runs what `body` does with a backend, and a client of the real cluster, and leaves the cluster as it was found.
    func withBackend<Result>(
        _ log: JobLog, simulated: () throws -> SimulatedBackend,
        _ body: (any Backend, KubernetesClient?) throws -> Result
    ) throws -> Result {
        guard isKubernetes else { return try body(try simulated(), nil) }
        var options = KubernetesBackend.Options()
        options.reservedTags = reserveTags
        options.radius = BlastRadius(
            ratePerSecond: maxRate, ratePerSecondAndNamespace: maxRatePerNamespace)
        options.complain = { words in
            if let words {
                Output.warning("the cluster does not answer, and is asked again: \(words)")
            } else {
                Output.note("the cluster answers again")
            }
        }
        let client = try client()
        let backend = try KubernetesBackend(client: client, log: log, options: options)
        defer { backend.finish(secondsMax: Self.finishSecondsMax) }
        return try body(backend, client)
    }

    /// What then is left on the cluster is removed by the next worker.
    private static let finishSecondsMax = 10
}
