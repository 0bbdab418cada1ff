import Cluster
import Scheduler

extension SweepRequest {
    /// The same, with its selectors in the one notation of all that mean the same: requests are
    /// compared in it, since a log may hold others.
    package var inOneNotation: SweepRequest {
        var request = self
        request.pairs.from = SweptPods.text(pairs.from)
        request.pairs.to = SweptPods.text(pairs.to)
        return request
    }
}

extension ScheduleSpec {
    /// The same, with the selectors of a sweep in the one notation.
    var inOneNotation: ScheduleSpec {
        guard case .sweep(let request) = work else { return self }
        var spec = self
        spec.work = .sweep(request.inOneNotation)
        return spec
    }
}
