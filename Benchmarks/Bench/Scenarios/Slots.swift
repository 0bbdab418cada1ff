import Glibc
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// How late slots begin when there are ten thousand schedules, one a minute each.
enum Slots: Scenario {
    static let name = "schedules"
    static let summary = "milliseconds that slots of 10,000 schedules begin late"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("schedules")
        let log = try Subject.newLog(folder)
        let stage = try Stage(log)
        let specs = (0..<10_000).map { number in
            ScheduleSpec(
                name: "probe-\(number)", timing: .every(seconds: 60),
                work: .trace(
                    TraceTemplate(spec: stage.world.request(number).spec)), jitterSeconds: 59)
        }
        let coding = TraceCoding(log: log)
        let streams = try log.append(
            AppendRequest(
                newStreams: specs.map {
                    NewStream(family: StreamFamily.schedule.rawValue, name: $0.name)
                },
                drafts: try specs.enumerated().map {
                    try coding.draft(.schedule(.changed($1)), stream: .new($0))
                })
        ).streams
        let child = try Stage.worker(setting, folder, "w")
        defer { child.signal(SIGKILL) }
        sleep(milliseconds: 3000)
        let from = try log.lastPosition()
        // The first slots come with the next whole minute.
        sleep(milliseconds: setting.pick(quick: 65_000, full: 90_000))
        var late: [Double] = []
        try Subject.pages(of: log, after: from) { recorded in
            guard recorded.type == LogEventType.slotFired.rawValue,
                case .schedule(.fired(let firing)) = try coding.event(recorded)
            else { return }
            let begin = specs[Int(recorded.stream - streams[0])].begin(of: firing.slot).microseconds
            late.append(Double(recorded.recordedAt - begin) / 1000)
        }
        guard late.count > 100 else { throw BenchError("only \(late.count) slots began") }
        Output.figure(name, "latest", late.max() ?? 0, "ms")
        Output.figure(name, "p99", late.percentile(0.99), "ms")
        Output.figure(name, "p50", late.percentile(0.5), "ms")
        try child.end()
        setting.remove(folder)
    }
}
