import JobLog

/// Requests of a sweep: judged as one, named by number, recorded in bulk.
enum BulkRequest: Scenario {
    static let name = "bulk-request"
    static let summary = "trace requests/s recorded, with derived names"

    static func run(_ setting: Setting) throws {
        let folder = try setting.newFolder("bulk-request")
        let log = try Subject.newLog(folder)
        var world = try World()
        try world.observe(in: log)
        var next = 0
        let rate = try Stopwatch.rate(seconds: setting.seconds * 2) {
            try Subject.request(next..<(next + 10_000), world, in: log)
            next += 10_000
            return 10_000
        }
        Output.figure(name, "derived names", rate, "traces/s")
        setting.remove(folder)
    }
}
