import Glibc
import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

/// What the API's clients get of a busy log, and what that takes.
enum Serving: Scenario {
    static let name = "serve"
    static let summary = "the API with 10,000 Traceflows and 200 watchers: lists, latency, memory"

    /// What watchers watch.
    private enum Watched: String, CaseIterable {
        case own = "one label each"
        case everything
    }

    private static let watcherCount = 200
    private static let tracesPerSecond = 1000

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("serve")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let port = try freePort()
        let child = try Child.start([
            setting.tracectl, "serve", "--log", folder, "--listen", "127.0.0.1:\(port)",
            "--in-flight", String(Subject.inFlight),
        ])
        defer { child.signal(SIGKILL) }
        try stage.awaitWorkers(1)
        Output.figure(name, "idle", try mebibytes("VmRSS", child), "MiB")
        let requests = try NamedRequests(log, stage.world, shards: watcherCount)
        let count = setting.pick(quick: 2000, full: 10_000)
        try requests.append(count)
        try awaitQuiet(log)
        try lists(port, count)
        Output.figure(name, "\(count) objects listed", try mebibytes("VmRSS", child), "MiB")
        for watched in Watched.allCases {
            try watch(watched, port, requests, log, setting)
        }
        Output.figure(name, "at most", try mebibytes("VmHWM", child), "MiB")
        try child.end()
        setting.remove(folder)
    }

    private static func mebibytes(_ key: String, _ child: Child) throws -> Double {
        Double(try Child.kilobytes(key, of: child.pid)) / 1024
    }

    /// A port that was free a moment ago.
    private static func freePort() throws -> UInt16 {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var address = Connection.loopback(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var length = size
        let port: UInt16? = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, size) == 0 && getsockname(handle, $0, &length) == 0
            } ? UInt16(bigEndian: pointer.pointee.sin_port) : nil
        }
        guard let port else { throw BenchError("there is no free port") }
        return port
    }

    private static func awaitQuiet(_ log: JobLog) throws {
        var (last, still) = (Int64(0), 0)
        while still < 50 {
            let position = try log.lastPosition()
            still = position == last ? still + 1 : 0
            last = position
            sleep(milliseconds: 10)
        }
    }

    // MARK: lists

    private static func lists(_ port: UInt16, _ count: Int) throws {
        let forms = [
            ("objects", "application/json"),
            ("as a table", "application/json;as=Table;v=v1;g=meta.k8s.io"),
        ]
        for (title, accept) in forms {
            for turn in ["first", "again"] {
                let watch = Stopwatch()
                let connection = try Connection(port)
                try connection.get("", accept: accept, closes: true)
                let bytes = connection.drain()
                guard bytes > count * 100 else { throw BenchError("the list is too short") }
                Output.figure(name, "list of \(count) \(title), \(turn)", watch.milliseconds, "ms")
            }
        }
        let watch = Stopwatch()
        let connection = try Connection(port)
        try connection.get("?limit=500", accept: "application/json", closes: true)
        _ = connection.drain()
        Output.figure(name, "page of 500 objects", watch.milliseconds, "ms")
    }

    // MARK: watches

    private static func watch(
        _ watched: Watched, _ port: UInt16, _ requests: NamedRequests, _ log: JobLog,
        _ setting: Setting
    ) throws {
        let start = try log.lastPosition()
        let connections = try (0..<watcherCount).map { number in
            let connection = try Connection(port)
            let selector = watched == .own ? "&labelSelector=shard%3D\(number)" : ""
            try connection.get("?watch=1&resourceVersion=\(start)\(selector)")
            return connection
        }
        // From here on they hear of what comes, and not of what came.
        for connection in connections { try connection.awaitAnswer() }
        let arrivals = Arrivals(connections, sampled: watched == .own ? watcherCount : 4)
        let reader = Crew { arrivals.read() }
        let seconds = setting.pick(quick: 3, full: 10)
        let pace = Stopwatch()
        var asked = 0
        while pace.seconds < Double(seconds) {
            let due = Int(pace.seconds * Double(tracesPerSecond))
            if due > asked {
                try requests.append(due - asked)
                asked = due
            }
            sleep(milliseconds: 5)
        }
        let rate = Double(asked) / pace.seconds
        try awaitQuiet(log)
        var reached = -1
        while reached < arrivals.seenCount {
            reached = arrivals.seenCount
            sleep(milliseconds: 2000)
        }
        arrivals.stop()
        reader.join()
        var recordedAt: [Int64: Int64] = [:]
        try Subject.pages(of: log, after: start) { recordedAt[$0.position] = $0.recordedAt }
        let (seen, bytes) = arrivals.result
        let waits = seen.compactMap { position, at in
            recordedAt[position].map { Double(at - $0) / 1000 }
        }
        guard waits.count >= asked else {
            throw BenchError("\(asked) traces, and \(waits.count) events reached watchers")
        }
        let title = "\(watcherCount) watchers, \(watched.rawValue)"
        Output.figure(name, "\(title): traces", rate, "/s")
        Output.figure(name, "\(title): p50 of an event", waits.percentile(0.5), "ms")
        Output.figure(name, "\(title): p99 of an event", waits.percentile(0.99), "ms")
        Output.figure(
            name, "\(title): sent", Double(bytes) / pace.seconds / 1_048_576, "MiB/s")
    }
}

/// Requests of traces with names of their own, as clients of the API make them.
private final class NamedRequests {
    private let log: JobLog
    private let coding: TraceCoding
    private let world: World
    private let shards: Int
    private var next = 0

    init(_ log: JobLog, _ world: World, shards: Int) throws {
        (self.log, self.world, self.shards) = (log, world, shards)
        coding = TraceCoding(log: log)
    }

    func append(_ count: Int) throws {
        var append = AppendRequest()
        for place in 0..<count {
            var request = world.request(next)
            let name = "trace-\(next)"
            request.naming = .given(name)
            request.labels = ["shard": String(next % shards)]
            append.newStreams.append(NewStream(family: StreamFamily.trace.rawValue, name: name))
            append.drafts.append(
                try coding.draft(.trace(.requested(request)), stream: .new(place)))
            next += 1
        }
        try log.append(append)
    }
}
