import JobLog
import Scheduler
import TraceLog

/// Tells a decider which traces a sweep is made of.
package protocol SweepExpanding {
    /// Reads what takes long, while no transaction waits for it; throws when the sweep's cluster is
    /// not known any more.
    func prepare(_ id: SweepID, _ request: SweepRequest) throws

    /// The requests of these members, the same ones whoever asks.
    func members(
        _ range: Range<Int64>, of id: SweepID, _ request: SweepRequest, _ coding: TraceCoding
    ) throws -> [DraftedMember]

    /// Forgets the sweeps that are over.
    func keep(_ alive: some Collection<SweepID>)
}

/// The plans of the sweeps that a decider expands.
package final class SweepPlans: SweepExpanding {
    private let clusters: ClusterStore
    private var plans: [SweepID: MemberDrafts] = [:]

    package init(clusters: ClusterStore) { self.clusters = clusters }

    package func prepare(_ id: SweepID, _ request: SweepRequest) throws {
        _ = try plan(id, request)
    }

    package func members(
        _ range: Range<Int64>, of id: SweepID, _ request: SweepRequest, _ coding: TraceCoding
    ) throws -> [DraftedMember] {
        try plan(id, request).members(range, coding)
    }

    private func plan(_ id: SweepID, _ request: SweepRequest) throws -> MemberDrafts {
        if let known = plans[id] { return known }
        let plan = try SweepPlan(
            id: id, request: request, finder: clusters.pathFinder(of: request.clusterDigest))
        let drafts = MemberDrafts(plan)
        plans[id] = drafts
        return drafts
    }

    package func keep(_ alive: some Collection<SweepID>) {
        guard !plans.isEmpty else { return }
        let alive = Set(alive)
        plans = plans.filter { alive.contains($0.key) }
    }
}
