import ArgumentParser
import Captures
import Cluster
import Foundation
import Glibc
import JobLog
import Kubernetes
import Packets
import RemoteArchive
import Worker

/// The command line: Traceflows from manifest to verdict, through an append-only log.
@main
struct Tracectl: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "tracectl",
        abstract: "Trace packets through a Kubernetes cluster network, and remember every trace.",
        discussion: """
            Start with `tracectl demo`. The log is the folder of --log (or TRACECTL_LOG); the \
            cluster is what --cluster (or TRACECTL_CLUSTER) says, or the one last recorded.

            Exit status: 0 done as asked; 1 the answer is no; 2 wrong usage; 3 the system failed; \
            130 interrupted.
            """,
        version: version,
        subcommands: [
            Demo.self, Run.self, Apply.self, Get.self, Describe.self, Events.self, Wait.self,
            Cancel.self, RetryCommand.self, Delete.self, WorkerCommand.self, ServeCommand.self,
            Explain.self, Matrix.self, SweepCommand.self, ScheduleCommand.self, HistoryCommand.self,
            Incident.self, CaptureCommand.self, PacketCaptureCommand.self, ClusterCommand.self,
            LogCommand.self, CompletionCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(with: error)
        }
    }

    /// One line on standard error, and the status that says what kind of end it was.
    private static func end(with error: any Error) -> Never {
        if let failure = error as? CommandFailure {
            if !failure.message.isEmpty { Output.error(failure.message) }
            Glibc.exit(failure.status)
        }
        switch error {
        case let error as CaptureError:
            Output.error("\(error)")
            Glibc.exit(error.code == .refused ? CommandFailure.refused : CommandFailure.system)
        case let error as RemoteError:
            Output.error("\(error)")
            Glibc.exit(error.isRefusal ? CommandFailure.refused : CommandFailure.system)
        case is Refusal, is ManifestError, is PacketFileError, is PairError:
            Output.error("\(error)")
            Glibc.exit(CommandFailure.refused)
        case let error as JobLogError where error.isRefusal:
            Output.error("\(error)")
            Glibc.exit(CommandFailure.refused)
        case let error as TransportError:
            Output.error("the API server cannot be reached: \(error)")
            Glibc.exit(CommandFailure.system)
        case let status as APIStatus:
            Output.error("the API server refuses: \(status)")
            Glibc.exit(CommandFailure.system)
        case is JobLogError, is WorkerError, is ConfigError:
            Output.error("\(error)")
            Glibc.exit(CommandFailure.system)
        default: break
        }
        let code = exitCode(for: error)
        let message = fullMessage(for: error)
        if code == .success {
            Output.result(message + (message.isEmpty ? "" : "\n"))
            Glibc.exit(0)
        }
        if !message.isEmpty { Output.note(message) }
        Glibc.exit(code == .validationFailure ? CommandFailure.usage : CommandFailure.system)
    }
}

extension RemoteError {
    /// Whether the answer was no, and would be the next time.
    fileprivate var isRefusal: Bool {
        switch code {
        case .refused, .noCredentials, .denied, .credentialsExpired, .noBucket, .wrongRegion,
            .untrustedServer, .absent, .conflict, .occupied, .outsideRange:
            true
        case .clockSkewed, .uploadGone, .localUnreadable, .localChanged, .diskFull, .cancelled,
            .malformedAnswer, .throttled, .serverFailed, .unreachable, .interrupted, .truncated,
            .timedOut, .garbled:
            false
        }
    }
}

extension JobLogError {
    /// Whether the log is well and only did not do what was asked.
    fileprivate var isRefusal: Bool {
        switch code {
        case .refused, .nameTaken, .versionConflict, .archived: true
        case .noLog, .notALog, .damaged, .newerVersion, .readOnly, .diskFull, .leaseLost, .sealed,
            .failed:
            false
        }
    }
}

/// An end other than success.
struct CommandFailure: Error {
    static let refused: Int32 = 1
    static let usage: Int32 = 2
    static let system: Int32 = 3
    static let interrupted: Int32 = 130

    var message: String
    var status: Int32

    init(_ message: String, status: Int32 = CommandFailure.refused) {
        self.message = message
        self.status = status
    }

    /// The answer is no, and everything was said already.
    static let no = CommandFailure("", status: refused)
}

/// Where things are said: results on standard output, everything else on standard error.
enum Output {
    static func result(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }

    static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Stands in place of the line before it on a terminal; an empty one clears it.
    static func line(_ text: String) {
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }

    static func error(_ text: String) { note("error: " + oneLine(text)) }

    static func warning(_ text: String) { note("warning: " + oneLine(text)) }

    /// What came from outside may hold anything; a message stays one harmless line.
    private static func oneLine(_ text: String) -> String { printable(text) }
}
