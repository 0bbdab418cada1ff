import API
import ArgumentParser
import Scheduler
import Traceflow

/// When a schedule begins, and what is thought of it.
struct ScheduleTiming: ParsableArguments {
    @Option(help: "Begin at every multiple of this length of time: 30s, 5m, 1h.")
    var every: Duration64?

    @Option(help: "Begin by a cron expression of five fields: '*/5 8-17 * * mon-fri'.")
    var cron: String?

    @Option(help: "The time zone of --cron and --maintenance: Europe/Berlin. Default: UTC.")
    var timeZone: String?

    @Option(help: "How late a slot may begin.")
    var startingDeadline: Duration64?

    @Option(help: "When the one before still runs: Allow, Forbid or Replace.")
    var concurrency: ScheduleSpec.Concurrency = .allow

    @Option(help: "Slots for which no worker was there: none, latest, or how many are made up for.")
    var missed: MissedArgument = MissedArgument(value: .latest)

    @Option(
        help: "Begin each slot up to so much later, so that schedules do not all begin at once.")
    var jitter: Duration64?

    @Option(
        help: """
            What the verdict is to be: delivered, dropped, rejected, out, lost, or model for what \
            the cluster's policies say.
            """)
    var expect: ExpectationArgument?

    @Option(help: "So many unexpected results in a row mean that the probe is broken.")
    var failureThreshold = ScheduleSpec.defaultFailureThreshold

    @Option(
        help: """
            How long after a change of the cluster results are held back, since policies take \
            effect late and restarted Pods are away for a while; 0s for not at all. Default: 30s.
            """)
    var settle: Duration64?

    @Option(
        help: ArgumentHelp(
            """
            Results count for nothing from a moment or by a cron expression, for so long: \
            '0 3 * * sun@2h', 2026-12-01T03:00:00Z@90m. May be given more than once.
            """, valueName: "begin@length"))
    var maintenance: [MaintenanceArgument] = []

    @Flag(help: "Make it paused.")
    var suspend = false

    var isGiven: Bool {
        every != nil || cron != nil || expect != nil || suspend || settle != nil
            || !maintenance.isEmpty
    }

    func validate() throws {
        if every != nil, cron != nil { throw ValidationError("give either --every or --cron") }
        if timeZone != nil, cron == nil, maintenance.isEmpty {
            throw ValidationError("--time-zone is for --cron and --maintenance")
        }
        if expect == nil, settle != nil || !maintenance.isEmpty {
            throw ValidationError(
                "--settle and --maintenance are for what is expected; say what with --expect")
        }
        let settleMax = ScheduleSpec.settleSecondsMax * 1_000_000
        if let settle, settle.microseconds > settleMax || settle.microseconds % 1_000_000 != 0 {
            throw ValidationError("--settle must be whole seconds, one hour at most")
        }
        if maintenance.count > Maintenance.countMax {
            throw ValidationError(
                "--maintenance may be given \(Maintenance.countMax) times at most")
        }
        if let every, every.microseconds < 1_000_000 || every.microseconds % 1_000_000 != 0 {
            throw ValidationError("--every must be whole seconds, one at least")
        }
        if let cron {
            do {
                _ = try CronExpression(cron)
            } catch {
                throw ValidationError("--cron: \(error)")
            }
        }
        if !(1...1000).contains(failureThreshold) {
            throw ValidationError("--failure-threshold must be between 1 and 1000")
        }
    }

    func spec(_ name: String, _ work: ScheduleSpec.Work) throws -> ScheduleSpec {
        let timing: ScheduleSpec.Timing
        if let cron {
            timing = .cron(try CronExpression(cron), zone: timeZone ?? ZoneOffsets.utc.name)
        } else {
            timing = .every(seconds: (every?.microseconds ?? 0) / 1_000_000)
        }
        let settleSeconds = settle.map { $0.microseconds / 1_000_000 }
        return ScheduleSpec(
            name: name, timing: timing, work: work,
            startingDeadlineSeconds: startingDeadline.map { $0.microseconds / 1_000_000 },
            concurrency: concurrency, missed: missed.value,
            jitterSeconds: (jitter?.microseconds ?? 0) / 1_000_000, expectation: expect?.value,
            failureThreshold: failureThreshold,
            settleSeconds: expect == nil
                ? 0 : settleSeconds ?? ScheduleSpec.defaultSettleSeconds,
            maintenance: maintenance.map { $0.maintenance(in: timeZone ?? ZoneOffsets.utc.name) })
    }
}

extension ScheduleSpec.Concurrency: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.capitalized) }
}

/// `none`, `latest`, or a number.
struct MissedArgument: ExpressibleByArgument, CustomStringConvertible {
    var value: ScheduleSpec.Missed

    init(value: ScheduleSpec.Missed) { self.value = value }

    init?(argument: String) {
        switch argument.lowercased() {
        case "none": value = .none
        case "latest": value = .latest
        case let text:
            guard let max = Int(text), (1...10_000).contains(max) else { return nil }
            value = max == 1 ? .latest : .all(max: max)
        }
    }

    var description: String {
        switch value {
        case .none: "none"
        case .latest: "latest"
        case .all(let max): String(max)
        }
    }

    var defaultValueDescription: String { description }
}

/// A verdict as `--expect` of `run` has it, or `model`.
struct ExpectationArgument: ExpressibleByArgument {
    var value: ScheduleSpec.Expectation

    init?(argument: String) {
        switch argument.lowercased() {
        case "model": value = .model
        case "delivered": value = .verdict(.delivered)
        case "dropped": value = .verdict(.dropped)
        case "rejected": value = .verdict(.rejected)
        case "out": value = .verdict(.forwardedOutOfNetwork)
        case "lost": value = .verdict(.lost)
        case _: return nil
        }
    }
}
