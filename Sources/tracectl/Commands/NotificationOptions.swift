import ArgumentParser
import JobLog
import Worker

/// Who is told of probes that break and heal.
struct NotificationOptions: ParsableArguments {
    @Option(
        help: """
            Run this for each probe that breaks or heals, with JSON on standard input and \
            TRACECTL_PROBE, TRACECTL_STATUS and TRACECTL_NOTIFICATION set.
            """)
    var notifyCommand: String?

    @Option(help: "Post JSON to this URL for each probe that breaks or heals.")
    var notifyWebhook: String?

    @Option(help: "What is posted: json, or alertmanager for its API v2.")
    var notifyFormat: WebhookSender.Format = .json

    @Option(
        help: "A file with a bearer token for the webhook, read anew each time.",
        completion: .file())
    var notifyTokenFile: String?

    func validate() throws {
        if notifyWebhook == nil, notifyTokenFile != nil {
            throw ValidationError("--notify-token-file is for --notify-webhook")
        }
        if let notifyWebhook {
            do {
                _ = try WebhookSender(url: notifyWebhook)
            } catch {
                throw ValidationError("--notify-webhook: \(error)")
            }
        }
    }

    /// Nil when nobody is to be told.
    func notifier(_ log: JobLog) throws -> Notifier? {
        var senders: [any NotificationSender] = []
        if let notifyCommand { senders.append(CommandSender(command: notifyCommand)) }
        if let notifyWebhook {
            senders.append(
                try WebhookSender(
                    url: notifyWebhook, format: notifyFormat, tokenFile: notifyTokenFile))
        }
        guard !senders.isEmpty else { return nil }
        return Notifier(log: log, senders: senders) { Output.warning($0) }
    }
}

extension WebhookSender.Format: ExpressibleByArgument {}
