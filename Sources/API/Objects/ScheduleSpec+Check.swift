import Cluster
import Scheduler
import Traceflow
import Worker

extension ScheduleSpec {
    /// What would keep slots from beginning as they are meant to; nil when nothing would.
    private func fault(after now: Moment, in zone: ZoneOffsets) -> String? {
        if startingDeadlineSeconds == 0 {
            return "with a starting deadline of 0 no slot would ever begin; give 1s at least"
        }
        if case .sweep = work, expectation != nil {
            return "an expectation is for a trace; a sweep has many verdicts"
        }
        guard jitterSeconds > 0 else { return nil }
        var slot = now
        for _ in 0..<100 {
            guard let next = self.slot(after: slot, in: zone) else { break }
            if slot != now, next.microseconds - slot.microseconds <= jitterSeconds * 1_000_000 {
                return "the jitter must be shorter than the time between two slots"
            }
            slot = next
        }
        return nil
    }

    /// Throws what would keep every run from beginning.
    package func check(in model: Cluster?) throws {
        let spec = self
        let now = Clock.system.now()
        guard let zone = TimeZones.shared.offsets(spec.zone, around: now) else {
            throw Refusal("schedule \"\(spec.name)\": there is no time zone \"\(spec.zone)\"")
        }
        for case let name? in spec.maintenance.map(\.zone)
        where TimeZones.shared.offsets(name, around: now) == nil {
            throw Refusal(
                "schedule \"\(spec.name)\": maintenance: there is no time zone \"\(name)\"")
        }
        guard spec.slot(after: now, in: zone) != nil else {
            throw Refusal("schedule \"\(spec.name)\": no slot comes in the next ten years")
        }
        if let fault = fault(after: now, in: zone) {
            throw Refusal("schedule \"\(spec.name)\": \(fault)")
        }
        switch spec.work {
        case .trace(let template):
            let place = "schedule \"\(spec.name)\""
            if let fault = SchemaViolation.first(in: template.spec, of: template.apiVersion) {
                throw Refusal("\(place): \(fault)")
            }
            guard let model else { return }
            let denial = Denial.reason(name: spec.name, spec: template.spec) {
                model.podFacts(namespace: $0, name: $1)
            }
            if let denial { throw Refusal("\(place): \(denial.field): \(denial)") }
        case .sweep(let request):
            for selector in [request.pairs.from, request.pairs.to] {
                do throws(PairError) {
                    try SweptPods.check(selector)
                } catch {
                    throw Refusal("schedule \"\(spec.name)\": \(error)")
                }
            }
            if let model { _ = try request.counted(in: model, clusterDigest: []) }
        }
    }
}
