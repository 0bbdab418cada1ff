import Captures
import Cluster
import History
import JobLog
import Packets
import Scheduler
import Traceflow

/// Puts the packets that backends report into the archive, before the log speaks of them.
///
/// Many captures share one sync, as many as reports are appended together. Not for two threads.
final class CaptureKeeping {
    private let log: JobLog
    private let clock: Clock
    private var writer: CaptureWriter?

    init(log: JobLog, clock: Clock) {
        self.log = log
        self.clock = clock
    }

    /// A capture of a report, and what the trace is called.
    struct Kept {
        var report: ReportID
        var traceName: String
        var capture: PointCapture
    }

    /// Archives the captures and syncs them; tells where they lie, in their order.
    func archive(_ captures: [Kept]) throws -> [CaptureArchived] {
        guard !captures.isEmpty else { return [] }
        let writer = try writer ?? newWriter()
        self.writer = writer
        for kept in captures {
            try writer.add(
                kept.capture.packets.map { packet in
                    SeenPacket(
                        frame: packet.frame, interface: packet.interface,
                        comment: "\(kept.traceName) \(kept.capture.node) \(packet.comment)")
                })
        }
        return zip(captures, try writer.commit()).map { kept, place in
            var report = kept.report
            report.node = kept.capture.node
            return CaptureArchived(report: report, point: kept.capture.point, place: place)
        }
    }

    private func newWriter() throws -> CaptureWriter {
        try CaptureWriter(
            folder: CaptureBook.folder(of: log), now: { [clock] in clock.now().seconds },
            index: LatestCaptureBook(log: log))
    }
}

/// The files of a log's captures as the log knows them whenever it is asked.
struct LatestCaptureBook: CaptureIndex {
    let log: JobLog

    private func book() throws -> CaptureBook {
        let history = try History(of: log)
        try history.catchUp()
        return try CaptureBook(log: log, history: history)
    }

    func promisedEnd(ofFile file: Int64) throws -> Int64 { try book().promisedEnd(ofFile: file) }
    func isClosed(_ file: Int64) throws -> Bool { try book().isClosed(file) }
    func highestFile() throws -> Int64 { try book().highestFile() }
}
