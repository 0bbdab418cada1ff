import Cluster

/// How loading, compiling and asking grow with Pods and with policies.
enum MatrixGrowth: Scenario {
    static let name = "matrix-growth"
    static let summary = "load, compile and all pairs: 100 to 10,000 Pods, 10 to 2,000 policies"

    static func run(_ setting: Setting) throws {
        let sizes: [(pods: Int, policies: Int)] =
            setting.isQuick
            ? [(100, 200), (1000, 200)]
            : [
                (100, 200), (1000, 10), (1000, 200), (1000, 2000), (3000, 200), (10_000, 10),
                (10_000, 200), (10_000, 2000),
            ]
        for size in sizes {
            let town = Town(pods: size.pods, policies: size.policies)
            let text = town.manifests
            let label = "\(size.pods) Pods, \(size.policies) policies"
            let loading = Stopwatch()
            let resources = try ManifestReader.read(text: text, file: "town.yaml")
            Output.figure(name, "\(label): load", loading.seconds, "s")
            let compiling = Stopwatch()
            let cluster = try Cluster(resources)
            Output.figure(name, "\(label): compile", compiling.milliseconds, "ms")
            let asking = Stopwatch()
            guard try Subject.matrix(cluster, port: 80) > 0 else {
                throw BenchError("the policies of the matrix decide nothing")
            }
            Output.figure(name, "\(label): all pairs", asking.seconds, "s")
        }
    }
}
