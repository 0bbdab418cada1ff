import Foundation
import Scheduler
import Testing
import Traceflow
import Worker

@testable import API

/// The page, the rules over it, and the document that explains it speak of the same things.
struct MetricsPageTests {
    /// A reading in which nothing is left out.
    private static var whole: MetricsReading {
        var figures = DeciderFigures()
        (figures.pendingCount, figures.tagsHeld, figures.tagCapacity) = (3, 14, 14)
        figures.probes = [
            .init(schedule: ScheduleID(4), name: "web-\"db\"\n\\", isBroken: true, mismatches: 3)
        ]
        var fold = MetricsFold()
        let moment = Moment(microseconds: 1_500_000)
        fold.evolve(.requested(of: ScheduleID(4)), of: 9, position: 1, at: moment)
        fold.evolve(.failed(isCancelled: false), of: 9, position: 2, at: moment)
        let work = MetricsReading.Work(
            fold: fold, figures: figures, isDeciding: true, lastPass: moment,
            notificationFailures: 1, log: .init(lastPosition: 12, epoch: 5))
        return MetricsReading(version: "1.2.3", process: .now(), work: work)
    }

    private static func families(_ page: String) -> [String] {
        page.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
            .map { String($0.split(separator: " ")[2]) }
    }

    @Test func promtoolAcceptsThePage() throws {
        let result = try Promtool.run(["check", "metrics"], input: MetricsPage.text(Self.whole))
        #expect(result.status == 0, "\(result.text)")
        #expect(result.text.isEmpty, "not even advice: \(result.text)")
    }

    @Test func promtoolAcceptsTheAlertRules() throws {
        let result = try Promtool.run(["check", "rules", "deploy/prometheus-rules.yaml"])
        #expect(result.status == 0, "\(result.text)")
    }

    @Test func theAlertsFireWhenTheyAreToAndOnlyThen() throws {
        let result = try Promtool.run(["test", "rules", "Tests/deploy/prometheus-rules-test.yaml"])
        #expect(result.status == 0, "\(result.text)")
    }

    @Test func rulesSpeakOnlyOfWhatIsServed() throws {
        let families = Set(Self.families(MetricsPage.text(Self.whole)))
        let rules = try Promtool.file("deploy/prometheus-rules.yaml")
        for name in rules.matches(of: /tracectl_[a-z_]+/).map({ String($0.output) }) {
            let family = name.replacing(/_(bucket|sum|count)$/, with: "")
            #expect(families.contains(family), "\(name)")
        }
    }

    @Test func theDocumentExplainsEveryFamilyAndNoOther() throws {
        let families = Set(Self.families(MetricsPage.text(Self.whole)))
        let document = try Promtool.file("docs/metrics.md")
        let explained = Set(
            document.split(separator: "\n").filter { $0.hasPrefix("| `") }
                .compactMap { $0.firstMatch(of: /`((tracectl|process)_[a-z_]+)`/) }
                .map { String($0.output.1) })
        #expect(families == explained)
    }

    @Test func familiesComeOnceAndInTheSameOrder() {
        let page = MetricsPage.text(Self.whole)
        let families = Self.families(page)
        #expect(Set(families).count == families.count)
        var later = Self.whole
        later.work?.isDeciding = false
        #expect(Self.families(MetricsPage.text(later)) == families)
    }

    @Test func aWorkerThatDoesNotDecideIsSilentAboutWhatWaits() {
        var reading = Self.whole
        reading.work?.figures = nil
        let page = MetricsPage.text(reading)
        for name in ["tracectl_traces{", "tracectl_probe_healthy", "tracectl_tags_held"] {
            #expect(!page.contains(name))
        }
        #expect(page.contains("tracectl_traces_ended_total{phase=\"Failed\""))
    }

    @Test func beforeTheLogIsOpenThereIsTheProcessAlone() {
        let page = MetricsPage.text(MetricsReading(version: "1", process: .now()))
        #expect(page.hasPrefix("# HELP tracectl_build_info"))
        #expect(Self.families(page).dropFirst().allSatisfy { $0.hasPrefix("process_") })
    }

    @Test func beyondAThousandProbesTheBrokenOnesComeFirst() {
        var reading = Self.whole
        reading.work?.figures?.probes = (0..<1500).map { number in
            .init(
                schedule: ScheduleID(Int64(number)), name: "p\(10_000 + number)",
                isBroken: number >= 1400, mismatches: 0)
        }
        let lines = MetricsPage.text(reading).split(separator: "\n").map(String.init)
        let shown = lines.filter { $0.hasPrefix("tracectl_probe_healthy{") }
        #expect(shown.count == 1000)
        #expect(shown.count { $0.hasSuffix(" 0") } == 100)
        #expect(shown == shown.sorted())
        #expect(lines.contains("tracectl_probes_omitted 500"))
        #expect(lines.contains("tracectl_probes{state=\"Healthy\"} 1400"))
    }

    @Test func thisProcessHasItsFigures() throws {
        let figures = ProcessFigures.now()
        #expect(try #require(figures.residentBytes) > 1 << 20)
        #expect(figures.cpuSeconds > 0)
        #expect(try #require(figures.openFiles) > 0)
        let age =
            Clock.system.now().microseconds / 1_000_000 - Int64(try #require(figures.startedAt))
        #expect((-5...86_400).contains(age))
    }
}
