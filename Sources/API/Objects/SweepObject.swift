import Cluster
import Scheduler
import Traceflow
import Worker

extension SweepBook.Entry {
    /// The sweep as a resource.
    package var resource: OutputValue { resource([:]) }

    /// The same; `identity` is what a server adds to its metadata.
    func resource(_ identity: [String: OutputValue?]) -> OutputValue {
        var metadata = identity
        metadata["name"] = .string(name)
        metadata["creationTimestamp"] = .string(RFC3339.text(requestedAt))
        metadata["labels"] = OutputValue.strings(request.labels)
        return .object([
            "apiVersion": .string("tracectl.dev/v1alpha1"), "kind": .string("TraceSweep"),
            "metadata": .object(metadata),
            "spec": request.output,
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

extension SweepRequest {
    /// The `spec` of a manifest that asks for the same.
    var output: OutputValue {
        let ports = pairs.ports.map { port in
            OutputValue.object([
                "protocol": .string(port.protocol),
                "port": port.number == 0 ? nil : .int(port.number),
            ])
        }
        return .object([
            "sources": pairs.from.map { SweptPods.output($0) },
            "destinations": pairs.to.map { SweptPods.output($0) },
            "ports": .list(ports), "coverage": .string(pairs.coverage.rawValue),
            "ipFamily": .string(pairs.prefersV6 ? "IPv6" : "IPv4"), "priority": .int(priority),
            "retries": .int(retries), "timeout": .int(timeoutSeconds),
            "maxInFlight": .number(openMax),
            "ratePerSecond": intervalMicroseconds.map { Self.rate($0) }, "capture": capture?.output,
        ])
    }

    /// The shortest number of traces a second that comes to this time between two.
    private static func rate(_ interval: Int64) -> OutputValue {
        let exact = 1_000_000 / Double(interval)
        var scale = 1.0
        while scale < 1e15 {
            let rounded = (exact * scale).rounded() / scale
            if rounded > 0, Self.interval(rounded) == interval {
                return Int(exactly: rounded).map { .int($0) } ?? .double(rounded)
            }
            scale *= 10
        }
        return .double(exact)
    }
}

extension SweptPods {
    /// What a log holds that is no selector is printed as what no manifest may say: without it,
    /// all Pods would be meant.
    fileprivate static func output(_ text: String) -> OutputValue {
        if let pods = SweptPods(text: text) { return pods.output }
        let unreadable = OutputValue.object(["key": .string(text), "operator": .string("Exists")])
        return .object(["podSelector": .object(["matchExpressions": .list([unreadable])])])
    }

    private var output: OutputValue {
        let expressions = matchExpressions.map { expression in
            OutputValue.object([
                "key": .string(expression.key), "operator": .string(expression.operator),
                "values": Self.list(expression.values),
            ])
        }
        let labels = OutputValue.strings(matchLabels)
        return .object([
            "namespaces": Self.list(namespaces),
            "podSelector": labels == nil && expressions.isEmpty
                ? nil
                : .object([
                    "matchLabels": labels,
                    "matchExpressions": expressions.isEmpty ? nil : .list(expressions),
                ]),
        ])
    }

    private static func list(_ values: [String]) -> OutputValue? {
        values.isEmpty ? nil : .list(values.map { .string($0) })
    }
}
