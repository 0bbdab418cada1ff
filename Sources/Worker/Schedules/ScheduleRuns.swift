import Cluster
import Scheduler
import TraceLog
import Traceflow

/// What a slot of a schedule begins.
package struct ScheduledRun: Sendable {
    package enum Work: Sendable {
        case trace(TraceRequest)
        case sweep(SweepRequest)
    }

    package var work: Work
    /// What is expected to come of it; nil where nothing is.
    package var expected: Verdict?

    package init(work: Work, expected: Verdict?) {
        self.work = work
        self.expected = expected
    }
}

/// Tells a decider when slots are, and what they begin.
package protocol ScheduleRunning {
    /// The offsets of a time zone; nil when there is none of the name.
    func zone(_ name: String, around moment: Moment) -> ZoneOffsets?

    /// Reads what takes long, while no transaction waits for it.
    func prepare() throws

    /// The run of a slot; throws when there is nothing to begin.
    func run(
        of spec: ScheduleSpec, _ id: ScheduleID, at slot: Moment
    ) throws -> ScheduledRun
}

/// Runs against the cluster that the log observed last.
package final class ScheduleRuns: ScheduleRunning {
    private let clusters: ClusterStore
    private var latest: (digest: [UInt8], finder: PathFinder)?

    package init(clusters: ClusterStore) { self.clusters = clusters }

    package func zone(_ name: String, around moment: Moment) -> ZoneOffsets? {
        TimeZones.shared.offsets(name, around: moment)
    }

    package func prepare() throws {
        latest = try clusters.latest().map { digest, _ in
            (digest, try clusters.pathFinder(of: digest))
        }
    }

    package func run(
        of spec: ScheduleSpec, _ id: ScheduleID, at slot: Moment
    ) throws -> ScheduledRun {
        guard let (digest, finder) = latest else {
            throw WorkerError("no cluster is known yet")
        }
        switch spec.work {
        case .trace(let template):
            return run(of: spec, id, at: slot, template, digest, finder)
        case .sweep(let template):
            var request = template
            request.schedule = id
            request.clusterDigest = digest
            let pairs = try SweepPlan.pairs(request.pairs, finder)
            guard pairs.memberCount > 0 else { throw WorkerError("no pair of Pods to trace") }
            request.total = pairs.memberCount
            request.cells = pairs.cellCount * Int64(request.pairs.ports.count)
            return ScheduledRun(work: .sweep(request), expected: nil)
        }
    }

    private func run(
        of spec: ScheduleSpec, _ id: ScheduleID, at slot: Moment, _ template: TraceTemplate,
        _ digest: [UInt8], _ finder: PathFinder
    ) -> ScheduledRun {
        let scope: TagScope =
            switch finder.footprint(of: template.spec) {
            case .nodes(let nodes): .of(nodes)
            case .anyNode: .allNodes
            }
        var request = TraceRequest(
            name: "", apiVersion: template.apiVersion, spec: template.spec,
            labels: template.labels, priority: template.priority, retries: template.retries,
            scope: scope, clusterDigest: digest)
        request.naming = .slot(schedule: id, name: spec.name, at: slot)
        let expected: Verdict? =
            switch spec.expectation {
            case .verdict(let verdict): verdict
            case .model: ModelAnswer(of: template.spec, template.apiVersion, finder)?.verdict
            case nil: nil
            }
        return ScheduledRun(work: .trace(request), expected: expected)
    }
}
