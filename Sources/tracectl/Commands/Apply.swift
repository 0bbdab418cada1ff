import API
import ArgumentParser
import Worker

/// Records requests and resources, and does not wait.
struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record Traceflows, sweeps, schedules and cluster resources; a worker runs them.")

    @OptionGroup var log: LogOptions
    @OptionGroup var requests: RequestOptions

    @Flag(help: "Print what would be recorded, and do not.")
    var dryRun = false

    func validate() throws {
        if requests.files.isEmpty { throw ValidationError("give manifests with -f FILE") }
    }

    func run() throws {
        let prepared = try PreparedRequests(requests, log: log)
        if dryRun {
            for request in prepared.requests {
                Output.result("\(QualifiedName.text(request.manifest.name)) created (dry run)\n")
            }
            for sweep in prepared.sweeps {
                Output.result("tracesweep.tracectl.dev/\(sweep.name ?? "") created (dry run)\n")
            }
            for schedule in prepared.schedules {
                Output.result(
                    "traceschedule.tracectl.dev/\(schedule.spec.name) applied (dry run)\n")
            }
            return
        }
        let log = try prepared.existing ?? log.creating()
        let store = ClusterStore(log: log)
        for trace in try prepared.record(in: log, store) {
            Output.result(
                "\(QualifiedName.text(trace.name)) \(trace.isNew ? "created" : "unchanged")\n")
        }
        for sweep in try prepared.recordSweeps(in: log, store) {
            Output.result(
                "tracesweep.tracectl.dev/\(sweep.name) \(sweep.isNew ? "created" : "unchanged")\n")
        }
        for schedule in try prepared.recordSchedules(in: log) {
            Output.result(
                "traceschedule.tracectl.dev/\(schedule.name) \(schedule.saved.rawValue)\n")
        }
        if prepared.requests.isEmpty, prepared.sweeps.isEmpty, prepared.schedules.isEmpty {
            Output.note("recorded the cluster; no Traceflow was given")
        }
    }
}
