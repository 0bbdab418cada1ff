import Captures
import Cluster
import Foundation
import History
import JobLog
import Packets
import RemoteArchive
import Scheduler
import TraceLog
import Traceflow

/// Sends the packets of PacketCaptures to their file servers, once each.
///
///     capture ended, with packets ──sent──▶ CaptureUploaded
///                                 └─refused, or tried often enough──▶ CaptureUploaded with why not
///
/// What a crash interrupts is sent again: the same content under the same name is left as it is.
/// Blocks on files and the network; not for the threads of tasks.
public struct CaptureUploader {
    private let log: JobLog
    private let coding: TraceCoding
    private let holder: String
    private let open: (PacketCaptureSpec.FileServer) throws -> any RemoteStore

    private static let role = "uploads"
    private static let page = 1000
    /// An upload may take as long; whoever is gone is replaced at once.
    private static let leaseMicroseconds: Int64 = 3_600_000_000

    /// `open` gives the server's store; `holder` names who asks.
    public init(
        log: JobLog, holder: String,
        open: @escaping (PacketCaptureSpec.FileServer) throws -> any RemoteStore
    ) {
        self.log = log
        self.holder = holder
        self.open = open
        coding = TraceCoding(log: log)
    }

    /// Sends what is due; nobody else does meanwhile.
    public func uploadAll(mayGoOn: () -> Bool, tell: (CaptureUploaded) -> Void) throws {
        var due: [TraceID] = []
        var after = PacketCaptureManifest.traceName(of: "")
        while true {
            let names = try log.names(
                family: StreamFamily.trace.rawValue, after: after, limit: Self.page)
            for entry in names {
                guard PacketCaptureManifest.name(ofTrace: entry.name) != nil else { break }
                if try request(of: TraceID(entry.stream))?.packetCapture?.fileServer != nil {
                    due.append(TraceID(entry.stream))
                }
            }
            guard let last = names.last?.name, PacketCaptureManifest.name(ofTrace: last) != nil
            else { break }
            after = last
        }
        guard !due.isEmpty else { return }
        let uploads = try Self.uploads(log)
        due = try due.filter { try plan($0, uploads) != nil }
        guard !due.isEmpty,
            let lease = try log.acquireLease(
                role: Self.role, holder: holder, durationMicroseconds: Self.leaseMicroseconds)
        else { return }
        defer { try? log.releaseLease(lease, forgetting: true) }
        for trace in due where mayGoOn() {
            if let uploaded = try upload(trace, mayGoOn: mayGoOn) { tell(uploaded) }
        }
    }

    /// Sends the packets of one capture, if that is due; nil if it is not.
    public func upload(
        _ trace: TraceID, mayGoOn: () -> Bool = { true }
    ) throws -> CaptureUploaded? {
        guard let plan = try plan(trace, Self.uploads(log)) else { return nil }
        var uploaded = CaptureUploaded(
            trace: trace, attempt: plan.attempt,
            url: plan.server.url + (plan.server.url.hasSuffix("/") ? "" : "/") + plan.name)
        do {
            let folder = NSTemporaryDirectory() + "tracectl-upload-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let file = folder + "/" + plan.name
            try write(plan.captures, to: file)
            try withoutActuallyEscaping(mayGoOn) { mayGoOn in
                let watch = TransferWatch(isCancelled: { !mayGoOn() })
                _ = try open(plan.server).put(file, as: plan.name, watch)
            }
        } catch let error as RemoteError where error.code == .cancelled {
            return nil
        } catch {
            uploaded.error = "\(error)"
        }
        let draft = try TraceCoding.draftOfLog(.captures(.uploaded(uploaded)), JobLog.ownStream)
        try log.append(AppendRequest(drafts: [draft]))
        return uploaded
    }

    private struct Plan {
        var server: PacketCaptureSpec.FileServer
        var attempt: Int
        var name: String
        var captures: [ArchivedCapture]
    }

    private func request(of trace: TraceID) throws -> TraceRequest? {
        guard let first = try log.read(stream: trace.rawValue).first else { return nil }
        guard case .trace(.requested(let request)) = try coding.event(first) else { return nil }
        return request
    }

    /// Nil where nothing is to be sent, or was.
    private func plan(_ trace: TraceID, _ uploads: [TraceID: CaptureUploaded]) throws -> Plan? {
        guard let story = try coding.story(log.read(stream: trace.rawValue)),
            let request = story.request, let server = request.packetCapture?.fileServer,
            story.trace.phase.isTerminal, !story.trace.captures.isEmpty
        else { return nil }
        let attempt = story.trace.attempt
        if let known = uploads[trace], known.attempt >= attempt { return nil }
        let name = PacketCaptureManifest.name(ofTrace: request.name) ?? request.name
        return Plan(
            server: server, attempt: attempt,
            name: name + (attempt > 1 ? "-\(attempt)" : "") + ".pcapng",
            captures: story.trace.captures.map(\.place))
    }

    private func write(_ captures: [ArchivedCapture], to file: String) throws {
        guard
            FileManager.default.createFile(
                atPath: file, contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: file)
        else {
            throw CaptureError(
                .failed, "\(file) cannot be written", remedy: "check the temporary folder")
        }
        defer { try? handle.close() }
        let reader = CaptureReader(folder: CaptureBook.folder(of: log))
        var output = try CaptureOutput(isCompressed: false) { try handle.write(contentsOf: $0) }
        var merge = CaptureMerge(captures)
        try merge.forEach(read: { try reader.packets(of: $0) }) { try output.add($0) }
        try output.end()
    }

    /// What became of each capture that was to be sent, by its trace: of its last attempt.
    public static func uploads(_ log: JobLog) throws -> [TraceID: CaptureUploaded] {
        let history = try History(of: log)
        try history.catchUp()
        let coding = TraceCoding(log: log)
        var uploads: [TraceID: CaptureUploaded] = [:]
        for recorded in try history.events(ofType: .captureUploaded) {
            if case .captures(.uploaded(let uploaded)) = try coding.event(recorded) {
                uploads[uploaded.trace] = uploaded
            }
        }
        return uploads
    }
}
