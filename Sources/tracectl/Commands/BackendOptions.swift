import ArgumentParser
import Cluster
import Foundation
import JobLog
import Kubernetes
import Worker

/// Which cluster is asked: one of manifests, or a real one.
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

    func validate() throws {
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
}

/// How much of a real cluster traces may take.
struct ClusterLimits: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "So many of Antrea's 14 tags are left to people. Default: 4.", valueName: "count"))
    var reserveTags: Int?

    @Option(
        help: ArgumentHelp(
            "So many traces a second are begun on the real cluster at most.", valueName: "rate"))
    var maxRate: Double?

    @Option(
        help: ArgumentHelp(
            "So many a second at most that touch one namespace.", valueName: "rate"))
    var maxRatePerNamespace: Double?

    func validate() throws {
        guard (0...13).contains(reserveTags ?? 0) else {
            throw ValidationError("--reserve-tags must be between 0 and 13")
        }
        for (name, rate) in [
            ("--max-rate", maxRate), ("--max-rate-per-namespace", maxRatePerNamespace),
        ] {
            if let rate, !(0.001...10_000).contains(rate) {
                throw ValidationError("\(name) must be between 0.001 and 10000 a second")
            }
        }
    }

    /// What is meant for a real cluster is no use without one.
    private var isGiven: Bool {
        reserveTags != nil || maxRate != nil || maxRatePerNamespace != nil
    }

    private static let reserveTagsDefault = 4

    /// Nothing is said.
    static var none: ClusterLimits {
        var limits = ClusterLimits()
        (limits.reserveTags, limits.maxRate, limits.maxRatePerNamespace) = (nil, nil, nil)
        return limits
    }

    /// Runs what `body` does with a backend, and a client of the real cluster, and leaves the
    /// cluster as it was found.
    func withBackend<Result>(
        of source: BackendOptions, _ log: JobLog, simulated: () throws -> SimulatedBackend,
        _ body: (any Backend, KubernetesClient?) throws -> Result
    ) throws -> Result {
        guard source.isKubernetes else {
            if isGiven {
                throw CommandFailure(
                    "--reserve-tags, --max-rate and --max-rate-per-namespace are for --backend"
                        + " kubernetes", status: CommandFailure.usage)
            }
            return try body(try simulated(), nil)
        }
        var options = KubernetesBackend.Options()
        options.reservedTags = reserveTags ?? Self.reserveTagsDefault
        options.radius = BlastRadius(
            ratePerSecond: maxRate, ratePerSecondAndNamespace: maxRatePerNamespace)
        options.complain = { words in
            if let words {
                Output.warning("the cluster does not answer, and is asked again: \(words)")
            } else {
                Output.note("the cluster answers again")
            }
        }
        let client = try source.client()
        let backend = try KubernetesBackend(client: client, log: log, options: options)
        defer { backend.finish(secondsMax: Self.finishSecondsMax) }
        return try body(backend, client)
    }

    /// What then is left on the cluster is removed by the next worker.
    private static let finishSecondsMax = 10
}
