import Foundation

/// Runs a command for each notification, with its JSON on standard input.
public struct CommandSender: NotificationSender {
    private let command: String
    private let timeoutSeconds: Int

    public init(command: String, timeoutSeconds: Int = 30) {
        self.command = command
        self.timeoutSeconds = timeoutSeconds
    }

    public func send(_ notification: ProbeNotification) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "TRACECTL_PROBE": notification.probe,
            "TRACECTL_STATUS": notification.change.kind.rawValue,
            "TRACECTL_NOTIFICATION": notification.id,
        ]) { $1 }
        // A file and not a pipe: a command that does not read it must not end us, nor keep us.
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("tracectl-notification-\(UUID().uuidString)")
        guard
            FileManager.default.createFile(
                atPath: file.path, contents: notification.json,
                attributes: [.posixPermissions: 0o600])
        else { throw WorkerError("\(file.path): the notification cannot be written") }
        defer { try? FileManager.default.removeItem(at: file) }
        process.standardInput = try FileHandle(forReadingFrom: file)
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        guard ended.wait(timeout: .now() + .seconds(timeoutSeconds)) == .success else {
            process.terminate()
            throw WorkerError("the command ran longer than \(timeoutSeconds) s and was ended")
        }
        guard process.terminationStatus == 0 else {
            throw WorkerError("the command ended with status \(process.terminationStatus)")
        }
    }
}
