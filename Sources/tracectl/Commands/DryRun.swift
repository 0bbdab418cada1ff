import API
import Cluster
import Scheduler
import Traceflow
import Worker

/// What would be created, and is not.
enum DryRun {
    /// The Traceflows, as kubectl prints what it would create.
    static func text(of requests: [RequestRecorder.Request], _ format: TraceFormat) -> String {
        let names = requests.map { QualifiedName.text($0.manifest.name) }
        let objects = requests.map { request -> OutputValue in
            let manifest = request.manifest
            return .object([
                "apiVersion": .string(manifest.apiVersion.rawValue), "kind": .string("Traceflow"),
                "metadata": .object([
                    "name": .string(manifest.name), "labels": .strings(manifest.labels),
                    "annotations": .strings(manifest.annotations),
                ]), "spec": manifest.spec.output,
            ])
        }
        switch format {
        case .yaml: return OutputValue.resources(objects, isList: false).yaml
        case .json: return OutputValue.resources(objects, isList: false).json
        case .jsonl: return objects.map { $0.compactJSON + "\n" }.joined()
        case .name: return names.map { $0 + "\n" }.joined()
        case .table, .wide, .tree, .dot, .mermaid, .svg:
            return names.map { "\($0) created (dry run)\n" }.joined()
        }
    }

    /// The members of a sweep, a line each.
    static func show(
        _ request: SweepRequest, _ finder: PathFinder
    ) throws {
        let plan = try SweepPlan(id: SweepID(0), request: request, finder: finder)
        Output.note(SweepPrinter.announcement(nil, request))
        var first: Int64 = 0
        while first < request.total {
            let end = min(request.total, first + chunk)
            Output.result(plan.members(first..<end).map { line($0.spec) + "\n" }.joined())
            first = end
        }
    }

    private static func line(_ spec: TraceflowSpec) -> String {
        func end(_ namespace: String?, _ pod: String?) -> String {
            printable("\(namespace ?? "")/\(pod ?? "")")
        }
        let transport = spec.packet?.transportHeader
        let port =
            transport?.tcp?.dstPort.map { "tcp/\($0)" }
            ?? transport?.udp?.dstPort.map { "udp/\($0)" } ?? "icmp"
        return end(spec.source?.namespace, spec.source?.pod) + " "
            + end(spec.destination?.namespace, spec.destination?.pod) + " " + port
    }

    private static let chunk: Int64 = 1000
}
