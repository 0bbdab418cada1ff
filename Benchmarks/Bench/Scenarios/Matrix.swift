import Cluster

/// Who may reach whom: a thousand Pods, two hundred policies, one port, one thread.
enum Matrix: Scenario {
    static let name = "matrix"
    static let summary = "seconds for a million pairs of Pods, 200 policies, one port, one thread"

    static func run(_ setting: Setting) throws {
        let town = Town(pods: 1000, policies: 200)
        let resources = try ManifestReader.read(text: town.manifests, file: "matrix.yaml")
        let compiling = Stopwatch()
        var cluster = try Cluster(resources)
        Output.figure(name, "compile", compiling.milliseconds, "ms")
        let times = try (0..<(setting.isQuick ? 3 : 9)).map { _ in
            let watch = Stopwatch()
            let allowed = try Subject.matrix(cluster, port: 80)
            guard allowed > 0, allowed < 999_000 else {
                throw BenchError("the policies of the matrix decide nothing")
            }
            return watch.seconds
        }
        Output.figure(name, "1,000,000 pairs", times.percentile(0.5), "s")
        // A policy and a Pod that change are all that is compiled anew.
        for (what, text) in [
            ("a policy changed", town.policy(7).replacing("port: 443", with: "port: 8443")),
            ("a Pod changed", town.pod(7).replacing("app-0", with: "app-9")),
        ] {
            let changed = try ManifestReader.read(text: text, file: "change.yaml")
            let watch = Stopwatch()
            try cluster.apply(changed)
            Output.figure(name, what, watch.milliseconds, "ms")
        }
    }
}
