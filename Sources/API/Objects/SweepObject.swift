import Scheduler
import Traceflow
import Worker

extension SweepBook.Entry {
    /// The sweep as a resource.
    package var resource: OutputValue { resource([:]) }

    /// The same; `identity` is what a server adds to its metadata.
    func resource(_ identity: [String: OutputValue?]) -> OutputValue {
        let ports = request.pairs.ports.map { port in
            OutputValue.object([
                "protocol": .string(port.protocol),
                "port": port.number == 0 ? nil : .int(port.number),
            ])
        }
        var metadata = identity
        metadata["name"] = .string(name)
        metadata["creationTimestamp"] = .string(RFC3339.text(requestedAt))
        metadata["labels"] = OutputValue.strings(request.labels)
        return .object([
            "apiVersion": .string("tracectl.dev/v1alpha1"), "kind": .string("TraceSweep"),
            "metadata": .object(metadata),
            "spec": .object([
                "from": .text(request.pairs.from), "to": .text(request.pairs.to),
                "ports": .list(ports), "coverage": .string(request.pairs.coverage.rawValue),
                "ipFamily": .string(request.pairs.prefersV6 ? "IPv6" : "IPv4"),
                "priority": .int(request.priority), "retries": .int(request.retries),
                "timeout": .int(request.timeoutSeconds), "maxInFlight": .number(request.openMax),
                "capture": request.capture?.output,
            ]),
            "status": .object([
                "number": .int(Int(id.rawValue)), "phase": .string(phase.rawValue),
                "reason": reason.isEmpty ? nil : .string(reason),
                "pairs": .int(Int(request.cells)), "traces": .int(Int(request.total)),
                "requested": .int(Int(expanded)), "ended": .int(tally.ended),
                "verdicts": .object([
                    "Delivered": .int(tally.delivered), "Dropped": .int(tally.dropped),
                    "Rejected": .int(tally.rejected),
                    "ForwardedOutOfNetwork": .int(tally.forwardedOut), "Lost": .int(tally.lost),
                    "Unknown": .int(tally.unknown), "Failed": .int(tally.failed),
                ]),
                "finishedAt": .text(endedAt.map { RFC3339.text($0) }),
            ]),
        ])
    }
}
