import Testing

@testable import torture

/// A checker that finds nothing is worth nothing: each broken promise must be found.
struct CheckerTests {
    /// One line of a dump after the other, numbered as the log would.
    private struct Dump {
        private var versions: [Int: Int] = [:]
        private(set) var events: [LoggedEvent] = []

        mutating func add(_ stream: Int, _ type: String, _ data: String = "{}") throws {
            let version = versions[stream, default: 0] + 1
            versions[stream] = version
            events.append(
                try LoggedEvent(
                    line: """
                        {"position":\(events.count + 1),"stream":\(stream),"version":\(version),\
                        "type":"\(type)","schema":1,\
                        "recordedAt":"2026-01-01T00:00:00.\(100_000 + events.count)Z",\
                        "data":\(data)}
                        """))
        }

        mutating func request(_ stream: Int, _ name: String) throws {
            try add(stream, "TraceRequested", #"{"name":"\#(name)"}"#)
        }

        mutating func allocate(
            _ stream: Int, attempt: Int, tag: Int = 1, nodes: String = #""n1""#
        ) throws {
            try add(
                stream, "TagAllocated",
                #"{"attempt":\#(attempt),"tag":\#(tag),"scope":{"nodes":[\#(nodes)]}}"#)
        }

        mutating func succeed(_ stream: Int, attempt: Int) throws {
            try add(
                stream, "TraceSucceeded",
                #"{"attempt":\#(attempt),"verdict":"VERDICT_DELIVERED"}"#)
        }
    }

    /// A ledger that was told that `a` and `b`, one batch, are there.
    private func ledger(lines: [Substring] = []) throws -> Ledger {
        var ledger = Ledger()
        let batch = ledger.add([("a", .delivered), ("b", .delivered)], file: "ab.yaml")
        let created: [Substring] = [
            "traceflow.crd.antrea.io/a created", "traceflow.crd.antrea.io/b created",
        ]
        try ledger.take(created, batch: batch, isWhole: true)
        try ledger.take(lines, batch: nil, isWhole: true)
        return ledger
    }

    /// A log in which all goes well, up to and including two running traces.
    private func running() throws -> Dump {
        var dump = Dump()
        try dump.add(1, "LogCreated")
        try dump.request(3, "a")
        try dump.request(4, "b")
        try dump.add(1, "DeciderTookOver", #"{"epoch":"1","holder":"w"}"#)
        try dump.allocate(3, attempt: 1)
        try dump.allocate(4, attempt: 1, nodes: #""n2""#)
        return dump
    }

    private func ended() throws -> Dump {
        var dump = try running()
        try dump.succeed(3, attempt: 1)
        try dump.add(4, "TraceTimedOut", #"{"attempt":1}"#)
        return dump
    }

    private func expect(
        _ words: String, in dump: Dump, _ ledger: Ledger? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ledger = try ledger ?? self.ledger()
        #expect(sourceLocation: sourceLocation) {
            try Checker.check(dump.events, ledger)
        } throws: {
            "\($0)".contains(words)
        }
    }

    @Test func aGoodLogPasses() throws {
        var dump = try running()
        try dump.allocate(3, attempt: 2)
        try dump.add(3, "NodeReported", #"{"attempt":1}"#)
        try dump.succeed(3, attempt: 2)
        try dump.allocate(3 + 1, attempt: 2)
        try dump.add(4, "TraceFailed", #"{"attempt":2}"#)
        try dump.add(4, "RetryRequested", #"{"attempt":3}"#)
        try dump.allocate(4, attempt: 3)
        try dump.succeed(4, attempt: 3)
        let found = try Checker.check(dump.events, try ledger())
        #expect(found.traces == 2)
        #expect(found.attempts == 5)
        #expect(found.takeovers == 2)
        #expect(found.lateReports == 1)
    }

    @Test func theFirstAttemptWithTwoEndsIsFound() throws {
        var dump = try ended()
        try dump.succeed(3, attempt: 1)
        try expect("doubled, it ends again", in: dump)
    }

    @Test func anOlderAttemptMayNotEnd() throws {
        var dump = try running()
        try dump.allocate(3, attempt: 2)
        try dump.succeed(3, attempt: 1)
        try expect("attempt 1 ends, not 2", in: dump)
    }

    @Test func aSecondStartIsFound() throws {
        var dump = try running()
        try dump.allocate(3, attempt: 1)
        try expect("doubled, attempt 1 after 1", in: dump)
        dump = try ended()
        try dump.allocate(3, attempt: 2)
        try expect("starts again after its end", in: dump)
    }

    @Test func aTagHeldTwiceOnANodeIsFound() throws {
        var dump = try running()
        try dump.allocate(4, attempt: 2, nodes: #""n2","n1""#)
        try expect("tag 1 held twice", in: dump)
        dump = try running()
        try dump.allocate(4, attempt: 2, nodes: "")
        try expect("tag 1 held twice", in: dump)
    }

    @Test func aTraceWithoutEndIsFound() throws { try expect("never ended", in: try running()) }

    @Test func aWrongVerdictIsFound() throws {
        var dump = try running()
        try dump.add(3, "TraceSucceeded", #"{"attempt":1,"verdict":"VERDICT_DROPPED"}"#)
        try expect("succeeds with VERDICT_DROPPED", in: dump)
    }

    @Test func lostRequestsAreFound() throws {
        try expect("lost: ", in: Dump())
        let promised = try ledger(lines: ["traceflow.crd.antrea.io/a cancelled"])
        try expect("lost: a cancelled 1 times, recorded 0", in: try ended(), promised)
    }

    @Test func halfABatchIsFound() throws {
        var ledger = Ledger()
        let batch = ledger.add([("a", .delivered), ("b", .delivered)], file: "ab.yaml")
        try ledger.take([], batch: batch, isWhole: false)
        var dump = Dump()
        try dump.request(3, "a")
        try dump.add(3, "TraceFailed", #"{"attempt":1}"#)
        try expect("half of a batch", in: dump, ledger)
    }

    @Test func aDoubledRequestIsFound() throws {
        var dump = try ended()
        try dump.request(5, "a")
        try expect("a doubled; it is trace 3", in: dump)
        dump = try ended()
        try dump.add(3, "TraceDeleted")
        try dump.request(5, "a")
        try dump.add(5, "TraceFailed", #"{"attempt":1}"#)
        try expect("doubled: a recorded 2 times, asked 1", in: dump)
    }

    @Test func epochsRise() throws {
        var dump = try ended()
        try dump.add(1, "DeciderTookOver", #"{"epoch":"1","holder":"w"}"#)
        try expect("epoch 1 after 1", in: dump)
    }

    @Test(arguments: [2, 5]) func gapsAreFound(missing: Int) throws {
        var dump = try ended().events
        dump.remove(at: missing)
        let broken = dump
        #expect {
            try Checker.check(broken, try ledger())
        } throws: {
            "\($0)".contains("stands where")
        }
        for index in missing..<dump.count { dump[index].position -= 1 }
        let renumbered = dump
        #expect {
            try Checker.check(renumbered, try ledger())
        } throws: {
            "\($0)".contains("expected 1") || "\($0)".contains("expected 2")
        }
    }

    @Test func aCommandThatSaysTooLittleIsFound() throws {
        var ledger = Ledger()
        let batch = ledger.add([("a", .delivered), ("b", .delivered)], file: "ab.yaml")
        #expect(throws: Violation.self) {
            try ledger.take(["traceflow.crd.antrea.io/a created"], batch: batch, isWhole: true)
        }
    }
}
