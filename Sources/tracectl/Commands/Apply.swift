import ArgumentParser
import Worker

/// Records requests and resources, and does not wait.
struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Record Traceflows and cluster resources; a worker runs them.")

    @OptionGroup var log: LogOptions
    @OptionGroup var requests: RequestOptions

    func validate() throws {
        if requests.files.isEmpty { throw ValidationError("give manifests with -f FILE") }
    }

    func run() throws {
        let prepared = try PreparedRequests(requests, log: log)
        let log = try prepared.existing ?? log.creating()
        for trace in try prepared.record(in: log, ClusterStore(log: log)) {
            Output.result(
                "traceflow.crd.antrea.io/\(trace.name) \(trace.isNew ? "created" : "unchanged")\n")
        }
        if prepared.requests.isEmpty { Output.note("recorded the cluster; no Traceflow was given") }
    }
}
