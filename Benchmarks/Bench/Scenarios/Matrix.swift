import Cluster

/// Who may reach whom: a thousand Pods, two hundred policies, one port.
enum Matrix: Scenario {
    static let name = "matrix"
    static let summary = "seconds for a million pairs of Pods, 200 policies, one port, one thread"
    private static let pods = 1000
    private static let policies = 200
    private static let namespaces = 10
    private static let apps = 20

    static func run(_ setting: Setting) throws {
        let cluster = try Cluster(ManifestReader.read(text: manifests, file: "matrix.yaml"))
        let sources = cluster.matrixPods
        guard sources.count == pods else { throw BenchError("the cluster lacks Pods") }
        // As many rows as the time allows; all of them when they are fast enough.
        let watch = Stopwatch()
        var done = 0
        var allowed = 0
        while done < pods, watch.seconds < setting.seconds * 2 {
            let rows = sources[done..<min(done + 50, pods)]
            allowed += try Subject.matrix(cluster, from: rows, port: 80)
            done += rows.count
        }
        let seconds = watch.seconds * Double(pods) / Double(done)
        guard allowed > 0, allowed < done * pods else {
            throw BenchError("the policies of the matrix decide nothing")
        }
        Output.figure(name, "1,000,000 pairs", seconds, "s")
    }

    private static var manifests: String {
        var documents: [String] = []
        for number in 0..<namespaces {
            documents.append(
                """
                {apiVersion: v1, kind: Namespace, metadata: {name: ns-\(number),
                 labels: {team: team-\(number % 3)}}}
                """)
            documents.append(
                """
                {apiVersion: v1, kind: Node, metadata: {name: node-\(number)},
                 spec: {podCIDR: 10.0.\(number).0/24}}
                """)
        }
        for number in 0..<pods {
            let (space, rank) = (number % namespaces, number / namespaces)
            documents.append(
                """
                {apiVersion: v1, kind: Pod, metadata: {name: pod-\(rank), namespace: ns-\(space),
                 labels: {app: app-\(rank % apps)}}, spec: {nodeName: node-\(space)},
                 status: {podIP: 10.0.\(space).\(rank + 2)}}
                """)
        }
        for number in 0..<policies { documents.append(policy(number)) }
        return documents.joined(separator: "\n---\n")
    }

    /// Each admits one app to another, by label, by team and by port.
    private static func policy(_ number: Int) -> String {
        let (space, app) = (number % namespaces, number / namespaces)
        return """
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,
             metadata: {name: admit-\(app), namespace: ns-\(space)},
             spec: {podSelector: {matchLabels: {app: app-\(app)}}, policyTypes: [Ingress],
             ingress: [{from: [{podSelector: {matchLabels: {app: app-\((app + 1) % apps)}}},
             {namespaceSelector: {matchLabels: {team: team-\(number % 3)}},
             podSelector: {matchLabels: {app: app-\((app + 2) % apps)}}}],
             ports: [{protocol: TCP, port: \(number % 2 == 0 ? 80 : 443)}]}]}}
            """
    }
}
