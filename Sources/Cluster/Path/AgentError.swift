import Traceflow

/// Why an agent refuses to start a trace (pkg/agent/controller/traceflow).
struct AgentError: Error, Hashable, Sendable {
    var text: String

    static func noAddress(of end: String, _ family: IPAddress.Family) -> AgentError {
        AgentError(text: "\(end) Pod does not have an \(family == .v4 ? "IPv4" : "IPv6") address")
    }
}
