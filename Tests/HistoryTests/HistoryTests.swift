import JobLog
import Scheduler
import Testing
import TraceLog
import Traceflow

@testable import History

/// What history says is what the events of each trace say.
struct HistoryTests {
    private func history(_ log: JobLog, chunk: Int = 500) throws -> History {
        let history = try History(log: log, rowsABlock: 16, chunk: chunk)
        try history.catchUp()
        return history
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func everyEndedAttemptIsToldAsItsEventsTellIt(seed: UInt64) throws {
        let written = try WrittenLog(seed: seed)
        try written.write(120)
        let oracle = try written.oracle()
        let told = try history(written.log).traces(HistoryFilter(), limit: .max)
        #expect(told.count == oracle.count)
        for (record, ended) in zip(told, oracle) {
            #expect(record.position == ended.position)
            #expect(record.endedAt.microseconds == ended.endedAt)
            #expect(record.requestedAt.microseconds == ended.requestedAt)
            #expect(record.name == ended.request.name)
            #expect(record.attempt == ended.trace.attempt)
            #expect(record.source.text == ended.source)
            #expect(record.destination.text == ended.destination)
            #expect(record.spec.packet == ended.request.spec.packet)
            #expect(record.phase == ended.trace.phase)
            #expect(record.verdict == ended.trace.verdict)
            #expect(record.reason == ended.trace.reason ?? "")
            #expect(record.expected == ended.expected)
            #expect(record.labels == ended.request.labels)
            #expect(record.clusterDigest == ended.request.clusterDigest)
            #expect(record.results.map(\.node) == ended.trace.results.map(\.node))
            #expect(record.results.flatMap(\.observations) == ended.steps)
        }
    }

    /// One line a question: the filter, and which ended attempts it means.
    private static let questions:
        [(
            String, @Sendable (inout HistoryFilter) -> Void,
            @Sendable (WrittenLog.Ended) -> Bool
        )] = [
            ("a source", { $0.source = "ns0/pod1" }, { $0.source == "ns0/pod1" }),
            ("a source in any namespace", { $0.source = "pod2" }, { $0.source.hasSuffix("/pod2") }),
            (
                "a pair",
                {
                    $0.source = "ns1/pod3"
                    $0.destination = "ns0/pod4"
                }, { $0.source == "ns1/pod3" && $0.destination == "ns0/pod4" }
            ),
            ("an address", { $0.destination = "192.0.2.1" }, { $0.destination == "192.0.2.1" }),
            (
                "a namespace", { $0.namespace = "ns1" },
                { $0.source.hasPrefix("ns1/") || $0.destination.hasPrefix("ns1/") }
            ),
            ("a node", { $0.node = "n2" }, { $0.trace.results.contains { $0.node == "n2" } }),
            (
                "a policy", { $0.policy = "ns0/policy1" },
                { $0.steps.contains { $0.networkPolicy == "AntreaNetworkPolicy:ns0/policy1" } }
            ),
            (
                "a policy by its bare name", { $0.policy = "policy2" },
                { $0.steps.contains { $0.networkPolicy == "AntreaNetworkPolicy:ns0/policy2" } }
            ),
            (
                "a rule of a policy",
                {
                    $0.policy = "policy0"
                    $0.rule = "rule1"
                },
                {
                    $0.steps.contains {
                        $0.networkPolicy == "AntreaNetworkPolicy:ns0/policy0"
                            && $0.networkPolicyRule == "rule1"
                    }
                }
            ),
            (
                "verdicts", { $0.verdicts = [.dropped, .lost] },
                { $0.trace.verdict == .dropped || $0.trace.verdict == .lost }
            ),
            ("a phase", { $0.phase = .failed }, { $0.trace.phase == .failed }),
            (
                "a sweep", { $0.sweep = SweepID(1001) },
                { $0.request.naming.sweep == SweepID(1001) }
            ),
            (
                "a label", { $0.labels = ["team": "t1"] },
                { $0.request.labels["team"] == "t1" }
            ),
            (
                "all of it at once",
                {
                    $0.source = "ns0/pod1"
                    $0.namespace = "ns1"
                    $0.verdicts = [.dropped]
                    $0.node = "n2"
                },
                {
                    $0.source == "ns0/pod1" && $0.destination.hasPrefix("ns1/")
                        && $0.trace.verdict == .dropped
                        && $0.trace.results.contains { $0.node == "n2" }
                }
            ),
            ("nobody", { $0.source = "ns9/none" }, { _ in false }),
            ("an unknown policy", { $0.policy = "none" }, { _ in false }),
        ]

    @Test func everyFilterFindsWhatItMeans() throws {
        let written = try WrittenLog(seed: 7)
        try written.write(400)
        let (oracle, history) = (try written.oracle(), try history(written.log))
        for (what, change, isMeant) in Self.questions {
            var filter = HistoryFilter()
            change(&filter)
            let meant = oracle.filter(isMeant).map(\.position)
            #expect(try history.traces(filter, limit: .max).map(\.position) == meant, "\(what)")
            // From page to page nothing is lost or told twice.
            var (pages, cursor): ([Int64], Int64) = ([], .max)
            while true {
                let page = try history.traces(filter, before: cursor, limit: 3).map(\.position)
                guard let last = page.last else { break }
                (pages, cursor) = (pages + page, last)
            }
            #expect(pages == meant, "\(what), by pages")
            // The same within a time.
            filter.since = Moment(microseconds: oracle[oracle.count * 3 / 4].endedAt)
            filter.until = Moment(microseconds: oracle[oracle.count / 4].endedAt)
            let within = oracle.filter {
                isMeant($0) && $0.endedAt >= filter.since?.microseconds ?? 0
                    && $0.endedAt <= filter.until?.microseconds ?? 0
            }.map(\.position)
            #expect(
                try history.traces(filter, limit: .max).map(\.position) == within,
                "\(what), within a time")
        }
    }

    @Test func aScheduleIsAskedForByItsStream() throws {
        let written = try WrittenLog(seed: 8)
        try written.write(100)
        let (oracle, history) = (try written.oracle(), try history(written.log))
        let schedules = Set(oracle.compactMap(\.request.naming.schedule))
        #expect(schedules.count == 2)
        for schedule in schedules {
            var filter = HistoryFilter()
            filter.schedule = schedule
            #expect(
                try history.traces(filter, limit: .max).map(\.position)
                    == oracle.filter { $0.request.naming.schedule == schedule }.map(\.position))
        }
    }

    @Test(arguments: [11, 12] as [UInt64])
    func aPairTurnsWhereItsVerdictOrPathIsAnother(seed: UInt64) throws {
        let written = try WrittenLog(seed: seed)
        try written.write(300)
        let history = try history(written.log, chunk: 97)
        // The same, slowly: each question between two ends, in the order of time.
        var last: [String: WrittenLog.Ended] = [:]
        var wholes: [String: WrittenLog.Ended] = [:]
        var meant: [String] = []
        for ended in try written.oracle().reversed() {
            // Who was stopped tells nothing of the network.
            guard let verdict = ended.trace.verdict, ended.trace.reason != "Cancelled" else {
                continue
            }
            let port = ended.request.spec.packet?.transportHeader?.tcp?.dstPort ?? 0
            let key = "\(ended.source) \(ended.destination) \(port)"
            guard let before = last[key] else {
                last[key] = ended
                if ended.trace.phase == .succeeded { wholes[key] = ended }
                continue
            }
            // One that ran out of time saw no whole path.
            let isWhole = ended.trace.phase == .succeeded
            last[key] = ended
            let whole = wholes[key]
            if before.trace.verdict != verdict { wholes[key] = nil }
            if isWhole { wholes[key] = ended }
            if before.trace.verdict != verdict {
                meant.append("verdict \(before.position) \(ended.position)")
            } else if isWhole, let whole, Self.shape(whole.trace) != Self.shape(ended.trace) {
                meant.append("path \(whole.position) \(ended.position)")
            }
        }
        let told = try history.flips(HistoryFilter(), limit: .max)
        #expect(
            told.reversed().map { "\($0.kind) \($0.before.position) \($0.after.position)" }
                == meant)
        var filter = HistoryFilter()
        filter.destination = "192.0.2.1"
        #expect(
            try history.flips(filter, limit: .max).map(\.after.position)
                == told.map(\.after).filter { $0.destination.text == "192.0.2.1" }
                .map(\.position))
        filter.source = "ns0/pod1"
        #expect(
            try history.flips(filter, limit: .max).map(\.after.position)
                == told.map(\.after).filter {
                    $0.destination.text == "192.0.2.1" && $0.source.text == "ns0/pod1"
                }.map(\.position))
        #expect(
            try history.flips(HistoryFilter(), limit: 5).map(\.after.position)
                == told.prefix(5).map(\.after.position))
    }

    /// Whatever differs between nodes and addresses does not count.
    private static func shape(_ trace: Trace) -> [[String]] {
        trace.results.map { result in
            result.observations.filter {
                $0.component != .forwarding || $0.action == .delivered || $0.networkPolicy != nil
                    || ![.forwarded, .received].contains($0.action)
            }.map {
                [
                    $0.component.rawValue, $0.action.rawValue, $0.componentInfo ?? "",
                    $0.networkPolicy ?? "", $0.networkPolicyRule ?? "",
                ].joined(separator: "|")
            }
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// What somebody may have done to the file, which is then of no use, but ends nobody.
    @Test(
        arguments: [
            "update block set count = 1 << 40", "update block set count = -1",
            "update block set number = -5 where number = 1", "update part set bytes = x'00'",
            "update part set bytes = x'0000000000000000000000000000000000000000000000000000'",
            "update endpoint set number = 1 << 62 where number = 1",
            "update endpoint set number = -200 where number = 1", "delete from report",
            "delete from outcome", "update progress set position = -1 << 62",
            "update flip set place = 1 << 60, before = -7", "delete from signature",
        ])
    func aFileThatWasTamperedWithIsAnErrorOrAnAnswer(change: String) throws {
        let written = try WrittenLog(seed: 5)
        try written.write(300)
        let good = try history(written.log)
        try good.execute(change)
        var filter = HistoryFilter()
        for ask in 0..<4 {
            (filter.source, filter.namespace) = (ask % 2 == 0 ? "pod1" : nil, "ns0")
            filter.policy = ask > 1 ? "policy1" : nil
            do {
                let history = try History(log: written.log, rowsABlock: 16, chunk: 500)
                _ = try history.traces(filter, limit: 100)
                _ = try history.flips(filter, limit: 100)
                _ = try history.lag()
                try history.catchUp()
            } catch let error as JobLogError {
                #expect(error.code == .damaged || error.code == .refused, "\(error)")
            }
        }
    }

    @Test func turnsAreAskedForByWhatTheyCameTo() throws {
        let written = try WrittenLog(seed: 13)
        try written.write(300)
        let history = try history(written.log)
        let all = try history.flips(HistoryFilter(), limit: .max)
        for (change, isMeant): ((inout HistoryFilter) -> Void, (TraceRecord) -> Bool) in [
            ({ $0.verdicts = [.dropped] }, { $0.verdict == .dropped }),
            (
                { $0.policy = "policy1" },
                {
                    $0.results.contains {
                        $0.observations.contains {
                            $0.networkPolicy?.hasSuffix("/policy1") == true
                        }
                    }
                }
            ),
            ({ $0.labels = ["team": "t2"] }, { $0.labels["team"] == "t2" }),
        ] as [((inout HistoryFilter) -> Void, (TraceRecord) -> Bool)] {
            var filter = HistoryFilter()
            change(&filter)
            let meant = all.map(\.after).filter(isMeant).map(\.position)
            #expect(!meant.isEmpty)
            #expect(try history.flips(filter, limit: .max).map(\.after.position) == meant)
        }
    }

    @Test func aFoldInPiecesAndOneFromNothingMakeEqualRows() throws {
        let written = try WrittenLog(seed: 21)
        let first = try history(written.log, chunk: 13)
        for _ in 0..<6 {
            try written.write(40)
            try first.catchUp()
            // Somebody else folds on in between.
            try written.write(15)
            _ = try history(written.log, chunk: 31)
            try written.write(15)
            try first.catchUp()
        }
        let pieces = try first.dump()
        try first.clear()
        #expect(try first.position() == 0)
        try first.catchUp()
        let whole = try first.dump()
        #expect(pieces.count == whole.count)
        #expect(pieces == whole)
    }
}
