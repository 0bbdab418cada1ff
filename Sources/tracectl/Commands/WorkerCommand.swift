import ArgumentParser
import Foundation

/// Drives the log until it is told to stop.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Drive the log: allocate tags, run traces, keep deadlines."
    )

    @OptionGroup var worker: WorkerOptions
    @OptionGroup(title: "Real cluster") var backend: BackendOptions

    func run() throws { try worker.work(with: backend) }

    /// A name that no other process ever has: an executor's name stands for one incarnation.
    static func uniqueID(_ name: String) -> String {
        "\(name)-\(ProcessInfo.processInfo.processIdentifier)-"
            + String(UInt32.random(in: 0...UInt32.max), radix: 36)
    }
}
