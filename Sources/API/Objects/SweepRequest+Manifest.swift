import Cluster
import Scheduler
import Worker

extension SweepRequest {
    /// What a manifest asks for; `coverage` is for one that does not say.
    package init(
        _ manifest: SweepManifest, name: String?, coverage: SweepPairs.Coverage = .pairs
    ) {
        self.init(
            name: name, labels: manifest.labels,
            pairs: SweepPairs(
                from: manifest.from, to: manifest.to,
                ports: manifest.ports.map { .init(protocol: $0.protocol, number: $0.number) },
                prefersV6: manifest.prefersV6,
                coverage: manifest.coverage.flatMap(SweepPairs.Coverage.init) ?? coverage),
            openMax: manifest.openMax,
            intervalMicroseconds: manifest.ratePerSecond.map(SweepRequest.interval))
        priority = manifest.priority ?? priority
        retries = manifest.retries ?? retries
        timeoutSeconds = manifest.timeoutSeconds ?? timeoutSeconds
        capture = manifest.capture
    }

    /// The same, of the pairs that the cluster has.
    package func counted(in model: Cluster, clusterDigest: [UInt8]) throws -> SweepRequest {
        let swept = try SweepPlan.pairs(pairs, PathFinder(cluster: model))
        guard swept.memberCount > 0 else {
            throw Refusal(
                (name.map { "sweep \($0): " } ?? "")
                    + "no pair of Pods to trace: the selectors select too few")
        }
        var request = self
        request.total = swept.memberCount
        request.cells = swept.cellCount * Int64(pairs.ports.count)
        request.clusterDigest = clusterDigest
        return request
    }

    /// A trace each microsecond is as fast as it gets; one a year is as slow.
    package static func interval(_ perSecond: Double) -> Int64 {
        Int64(min(max(1, (1_000_000 / perSecond).rounded()), 3.2e13))
    }
}
