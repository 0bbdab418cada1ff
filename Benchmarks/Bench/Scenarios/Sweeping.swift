import Cluster
import Glibc
import History
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// A sweep over every pair of a thousand Pods on fifty nodes, by a worker in a process of its own.
enum Sweeping: Scenario {
    static let name = "sweep"
    static let summary = "traces/s and MiB of a sweep over every pair of 1,000 Pods, 50 nodes"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("sweep")
        let log = try Subject.newLog(folder)
        let town = Town(
            pods: setting.pick(quick: 100, full: 1000), policies: 300, nodes: 50)
        let resources = try ManifestReader.read(text: town.manifests, file: "sweep.yaml")
        let cluster = try Cluster(resources)
        let finder = PathFinder(cluster: cluster)
        var request = SweepRequest(pairs: SweepPairs(ports: [.init(protocol: "TCP", number: 80)]))
        let pairs = try SweepPlan.pairs(request.pairs, finder)
        (request.total, request.cells) = (pairs.memberCount, pairs.cellCount)
        request.clusterDigest = try ClusterStore(log: log).observe(resources, cluster)
        let child = try Stage.worker(setting, folder, "w")
        defer { child.signal(SIGKILL) }
        let book = SweepBook(log: log)
        let id = try book.record(request)
        var entry = try book.entry(named: id.description)
        while entry.phase == .running {
            sleep(milliseconds: 100)
            guard
                try log.read(stream: id.rawValue).last?.type
                    == LogEventType.sweepFinished.rawValue
            else { continue }
            entry = try book.entry(named: id.description)
        }
        guard let end = entry.endedAt else { throw BenchError("the sweep has no end") }
        let microseconds = end.microseconds - entry.requestedAt.microseconds
        Output.figure(
            name, "traces", Double(entry.tally.ended) * 1e6 / Double(max(1, microseconds)),
            "traces/s")
        Output.figure(
            name, "memory, at most",
            Double(try Child.kilobytes("VmHWM", of: child.pid)) / 1024, "MiB")
        let folding = Stopwatch()
        let history = try History(of: log)
        try history.catchUp()
        Output.figure(name, "history caught up", folding.seconds, "s")
        let watch = Stopwatch()
        let matrix = try ObservedMatrix(
            of: entry, plan: SweepPlan(id: id, request: request, finder: finder), in: history)
        Output.figure(name, "matrix read", watch.seconds, "s")
        try compare(matrix, cluster)
        try child.end()
        setting.remove(folder)
    }

    /// What was found must be what the model says, in every cell.
    private static func compare(_ matrix: ObservedMatrix, _ cluster: Cluster) throws {
        let computed = try cluster.reachability(
            from: matrix.sources, to: matrix.destinations, on: matrix.ports)
        for from in matrix.sources.indices {
            for to in matrix.destinations.indices where !matrix.isSamePod(from, to) {
                guard matrix.cell(from, to, port: 0) == computed.verdict(from, to, port: 0) else {
                    throw BenchError("\(matrix.sources[from]) to \(matrix.destinations[to])")
                }
            }
        }
    }
}
