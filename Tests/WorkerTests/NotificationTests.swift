import Foundation
import JobLog
import Scheduler
import Synchronization
import Testing
import TraceLog
import Traceflow

@testable import Worker

/// Telling somebody of probes that changed: to whom, how often, and what goes wrong.
struct NotificationTests {
    static let broken = ProbeNotification(
        id: "log/3/1", schedule: ScheduleID(3), number: 1, probe: "web-db", labels: ["team": "net"],
        change: ProbeChange(
            slot: Moment(microseconds: 1_795_740_848_000_000), verdict: .dropped,
            expected: .delivered, mismatches: 3))

    private func sender(
        _ server: LoopbackServer, _ format: WebhookSender.Format = .json, token: String? = nil
    ) throws -> WebhookSender {
        try WebhookSender(
            url: "http://127.0.0.1:\(server.port)/hook", format: format, tokenFile: token,
            timeoutMilliseconds: 300)
    }

    @Test func aWebhookGetsOneObjectWithAnIdentity() throws {
        let server = try LoopbackServer([.answer(204)])
        defer { server.close() }
        try sender(server).send(Self.broken)
        let request = try #require(server.requests.first)
        #expect(request.line == "POST /hook HTTP/1.1")
        #expect(request.headers["idempotency-key"] == "log/3/1")
        #expect(
            request.body == """
                {"command":"tracectl incident web-db --around 2026-11-27T00:54:08Z",\
                "expected":"Delivered","id":"log/3/1","labels":{"team":"net"},"mismatches":3,\
                "probe":"web-db","slot":"2026-11-27T00:54:08Z","status":"broken",\
                "summary":"web-db: Dropped, expected Delivered, 3 in a row",\
                "trace":"schedule/web-db/2026-11-27T00:54:08Z","verdict":"Dropped","version":1}
                """)
    }

    @Test func alertmanagerGetsAnAlertThatBeginsAndEnds() throws {
        var healthy = Self.broken
        healthy.change.mismatches = 0
        let server = try LoopbackServer([.answer(200)])
        defer { server.close() }
        for notification in [Self.broken, healthy] {
            try sender(server, .alertmanager).send(notification)
        }
        let bodies = server.requests.map(\.body)
        #expect(bodies[0].contains("\"startsAt\":\"2026-11-27T00:54:08Z\""))
        // Who is not told of an end soon takes an alert for resolved.
        #expect(bodies[0].contains("\"endsAt\":\"2027-11-27T00:54:08Z\""))
        #expect(bodies[1].contains("\"endsAt\":\"2026-11-27T00:54:08Z\""))
        #expect(
            bodies.allSatisfy {
                $0.contains(
                    "{\"alertname\":\"TracectlProbeBroken\",\"probe\":\"web-db\",\"team\":\"net\"}")
            })
    }

    @Test func aChangedPathIsToldWithBothPathsAndAsAnAlertThatEndsByItself() throws {
        var turned = Self.broken
        turned.change.verdict = .delivered
        turned.change.mismatches = 0
        turned.change.path = PathTurn(
            before: PathDigest(rawValue: 10), after: PathDigest(rawValue: 11),
            beforeSlot: Moment(microseconds: 1_795_740_788_000_000))
        let server = try LoopbackServer([.answer(200)])
        defer { server.close() }
        try sender(server).send(turned)
        try sender(server, .alertmanager).send(turned)
        let bodies = server.requests.map(\.body)
        for part in [
            "\"status\":\"pathChanged\"", "\"pathBefore\":\"000000000000000a\"",
            "\"pathAfter\":\"000000000000000b\"", "\"slotBefore\":\"2026-11-27T00:53:08Z\"",
            "\"summary\":\"web-db: Delivered as before, by another path\"",
        ] {
            #expect(bodies[0].contains(part), "\(part) in \(bodies[0])")
        }
        for part in [
            "\"alertname\":\"TracectlProbePathChanged\"",
            "\"startsAt\":\"2026-11-27T00:54:08Z\"", "\"endsAt\":\"2026-11-27T01:54:08Z\"",
        ] {
            #expect(bodies[1].contains(part), "\(part) in \(bodies[1])")
        }
    }

    @Test(
        arguments: [
            ([.answer(500)], "answered 500"), ([.answer(404)], "answered 404"),
            ([.hang], "Timeout"), ([.close], "cannot be reached"),
            ([.redirect(to: "/hook", status: 307)], "redirects"),
            ([.redirect(to: "file:///etc/passwd", status: 302)], "cannot be reached"),
        ] as [([LoopbackServer.Behaviour], String)])
    func aServerThatFailsIsAnError(behaviours: [LoopbackServer.Behaviour], word: String) throws {
        let server = try LoopbackServer(behaviours)
        defer { server.close() }
        #expect {
            try sender(server).send(Self.broken)
        } throws: {
            "\($0)".contains(word) && !"\($0)".contains("/hook")
        }
    }

    @Test func aRedirectIsFollowedAsThePostItWas() throws {
        let server = try LoopbackServer([.redirect(to: "/other", status: 302), .answer(200)])
        defer { server.close() }
        try sender(server).send(Self.broken)
        #expect(server.requests.map(\.line) == ["POST /hook HTTP/1.1", "POST /other HTTP/1.1"])
        #expect(server.requests[1].body == server.requests[0].body)
    }

    @Test func aTokenIsReadFromItsFileEachTimeAndNeverTold() throws {
        let file = NSTemporaryDirectory() + "tracectl-token-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let server = try LoopbackServer([.answer(200), .answer(200), .answer(401)])
        defer { server.close() }
        let sender = try sender(server, token: file)
        #expect(throws: WorkerError.self) { try sender.send(Self.broken) }
        for token in ["first", "second\n"] {
            try token.write(toFile: file, atomically: true, encoding: .utf8)
            try sender.send(Self.broken)
        }
        #expect(
            server.requests.map { $0.headers["authorization"] } == [
                "Bearer first", "Bearer second",
            ])
        for bad in ["", "a b", "x\r\nHost: y"] {
            try bad.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(throws: WorkerError.self) { try sender.send(Self.broken) }
        }
        try "secret".write(toFile: file, atomically: true, encoding: .utf8)
        #expect {
            try sender.send(Self.broken)
        } throws: {
            !"\($0)".contains("secret")
        }
    }

    @Test(arguments: ["ftp://x/y", "x", "http://", "file:///etc/passwd", ""])
    func aWebhookIsHTTP(url: String) {
        #expect(throws: WorkerError.self) { try WebhookSender(url: url) }
    }

    @Test func aCommandIsToldOnItsStandardInput() throws {
        let file = NSTemporaryDirectory() + "tracectl-told-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try CommandSender(command: "(cat; echo; echo $TRACECTL_PROBE $TRACECTL_STATUS) > \(file)")
            .send(Self.broken)
        let told = try String(contentsOfFile: file, encoding: .utf8)
        #expect(told.hasPrefix("{\"command\":\"tracectl incident web-db"))
        #expect(told.hasSuffix("\nweb-db broken\n"))
        // One that does not read is none the worse.
        try CommandSender(command: "true").send(Self.broken)
        #expect(throws: WorkerError.self) { try CommandSender(command: "exit 3").send(Self.broken) }
        #expect(throws: WorkerError.self) {
            try CommandSender(command: "sleep 60", timeoutSeconds: 0).send(Self.broken)
        }
    }

    /// A sender that fails some times, and says when it was told.
    private final class Scripted: NotificationSender {
        private let left: Mutex<Int>
        let told = Mutex<[String]>([])
        let done = DispatchSemaphore(value: 0)

        init(failures: Int) { left = Mutex(failures) }

        func send(_ notification: ProbeNotification) throws {
            told.withLock { $0.append(notification.id) }
            let fails = left.withLock { left in
                left -= 1
                return left >= 0
            }
            if fails { throw WorkerError("not now") }
            done.signal()
        }
    }

    @Test func alertLabelsHaveNamesThatPrometheusAllows() throws {
        var labelled = Self.broken
        labelled.labels = ["app.kubernetes.io/name": "web", "9lives": "x"]
        let alert = String(decoding: labelled.alertmanagerJSON, as: UTF8.self)
        #expect(alert.contains("\"app_kubernetes_io_name\":\"web\""))
        #expect(alert.contains("\"_9lives\":\"x\""))
    }

    /// Fails the first time it is asked to tell of the first change.
    private final class Reluctant: NotificationSender {
        private let asked = Mutex<[Int]>([])
        let isDone = DispatchSemaphore(value: 0)
        var numbers: [Int] { asked.withLock { $0 } }

        func send(_ notification: ProbeNotification) throws {
            let isFirst = asked.withLock { asked in
                asked.append(notification.number)
                return asked.count == 1
            }
            if isFirst { throw WorkerError("not now") }
            if notification.number == 2 { isDone.signal() }
        }
    }

    @Test func whatCameLaterDoesNotOvertakeWhatCouldNotBeTold() throws {
        let stage = try Stage()
        let sender = Reluctant()
        let notifier = Notifier(log: stage.log, senders: [sender], firstDelayMilliseconds: 1)
        notifier.offer(
            [1, 2].map {
                ProbeNotice(
                    schedule: ScheduleID(1), name: "p", labels: [:], number: $0,
                    change: Self.broken.change)
            })
        sender.isDone.wait()
        notifier.stop()
        #expect(sender.numbers == [1, 1, 2])
    }

    @Test func whatCannotBeToldIsTriedAgainUntilTheLogSaysItWasTold() throws {
        let plant = try ScheduleWorkerTests.Plant()
        try plant.save("probe") {
            $0.expectation = .verdict(.dropped)
            $0.failureThreshold = 1
        }
        try plant.pass(seconds: 60)
        var notices = try plant.coding.replayed().notices
        #expect(notices.map(\.number) == [1])
        let sender = Scripted(failures: 2)
        let notifier = Notifier(log: plant.log, senders: [sender], firstDelayMilliseconds: 1)
        for _ in 0..<3 { notifier.offer(notices) }
        sender.done.wait()
        notifier.stop()
        let id = try #require(try plant.book.id(named: "probe"))
        #expect(
            sender.told.withLock { $0 } == Array(repeating: "\(plant.log.logID)/\(id)/1", count: 3))
        // Who decides next has nothing left to tell; neither has a new notifier.
        notices = try plant.coding.replayed().notices
        #expect(notices == [])
        try plant.pass(seconds: 60)
        #expect(try plant.events("probe").contains(.notified(number: 1)))
        #expect(try plant.coding.replayed().invariantFaults() == [])
    }
}
