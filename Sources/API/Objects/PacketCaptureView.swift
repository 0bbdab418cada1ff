import Cluster
import Scheduler
import Traceflow

/// Names of objects as kubectl writes them: `traceflow.crd.antrea.io/NAME`.
package enum QualifiedName {
    private static let traceflow = "traceflow.crd.antrea.io/"
    private static let packetCapture = "packetcapture.crd.antrea.io/"

    /// Of the object behind a trace.
    package static func text(_ traceName: String) -> String {
        PacketCaptureManifest.name(ofTrace: traceName).map { packetCapture + $0 }
            ?? traceflow + traceName
    }

    /// Kind and name, for messages.
    package static func title(_ traceName: String) -> String {
        PacketCaptureManifest.name(ofTrace: traceName).map { "PacketCapture \"\($0)\"" }
            ?? "Traceflow \"\(traceName)\""
    }

    /// What the trace behind the object is called; the name itself where it is not qualified.
    package static func traceName(_ text: String) -> String {
        if text.hasPrefix(traceflow) { return String(text.dropFirst(traceflow.count)) }
        guard text.hasPrefix(packetCapture) else { return text }
        return PacketCaptureManifest.traceName(of: String(text.dropFirst(packetCapture.count)))
    }
}

extension TraceView {
    /// How far the PacketCapture behind the trace has come.
    package var captureProgress: PacketCaptureProgress {
        let captured = trace.captures.reduce(0) { $0 + $1.place.packets }
        let stage: PacketCaptureProgress.Stage =
            switch trace.phase {
            case .pending: .pending(error: nil)
            case .running: .started
            case .succeeded: .complete(error: nil)
            case .failed: failedStage
            }
        let sent: PacketCaptureProgress.Upload? = upload.map {
            $0.error.map { .failed($0) } ?? .succeeded
        }
        return PacketCaptureProgress(stage: stage, captured: captured, upload: sent)
    }

    private var failedStage: PacketCaptureProgress.Stage {
        let reason = trace.reason ?? ""
        if reason == Trace.timeoutReason {
            return .complete(error: PacketCaptureProgress.timeoutError)
        }
        // A node that refuses does so before it looks at anything.
        if trace.startedAt == nil || trace.captures.isEmpty && reason.hasPrefix("Node: ") {
            return .pending(error: reason)
        }
        return .complete(error: reason)
    }

    /// The conditions, each with the moment at which it came about.
    package var captureConditions: [PacketCaptureCondition] {
        let progress = captureProgress
        return progress.conditions().map { condition in
            var condition = condition
            switch condition.type {
            case .started:
                condition.lastTransitionTime =
                    condition.status ? trace.startedAt : trace.finishedAt ?? trace.queuedAt
            case .complete:
                condition.lastTransitionTime =
                    condition.status ? trace.finishedAt : trace.startedAt
            case .fileUploaded: condition.lastTransitionTime = trace.finishedAt
            }
            return condition
        }
    }

    /// The resource as Antrea has it.
    func resource(
        of capture: PacketCaptureSpec, _ identity: [String: OutputValue?]
    ) -> OutputValue {
        var metadata = identity
        metadata["name"] = .string(PacketCaptureManifest.name(ofTrace: name) ?? name)
        metadata["creationTimestamp"] = .string(RFC3339.text(createdAt))
        metadata["labels"] = .strings(request.labels)
        metadata["annotations"] = .strings(request.annotations)
        return .object([
            "apiVersion": .string(APIVersion.v1alpha1.rawValue),
            "kind": .string(PacketCaptureManifest.kind),
            "metadata": .object(metadata),
            "spec": capture.output,
            "status": .object([
                "numberCaptured": captureProgress.captured == 0
                    ? nil : .int(captureProgress.captured),
                "filePath": upload.flatMap { $0.error == nil ? .string($0.url) : nil }
                    ?? .text(
                        trace.captures.dropFirst(prunedCaptures).first.map {
                            "captures/\($0.place.fileName)"
                        }),
                "attempt": trace.attempt > 1 ? .int(trace.attempt) : nil,
                "captures": captures,
                "conditions": .list(captureConditions.map(\.output)),
            ]),
        ])
    }
}

extension PacketCaptureCondition {
    fileprivate var output: OutputValue {
        .object([
            "type": .string(type.rawValue), "status": .string(status ? "True" : "False"),
            "reason": .string(reason), "message": message.isEmpty ? nil : .string(message),
            "lastTransitionTime": .text(lastTransitionTime.map { RFC3339.text($0) }),
        ])
    }
}

extension PacketCaptureSpec {
    package var output: OutputValue {
        .object([
            "source": source?.output, "destination": destination?.output,
            "captureConfig": .object(["firstN": .object(["number": .number(firstN)])]),
            "direction": .text(direction?.rawValue), "capturePoint": .text(capturePoint?.rawValue),
            "timeout": .number(timeout), "packet": packet?.output,
            "fileServer": fileServer.map {
                .object(["url": .string($0.url), "hostPublicKey": .text($0.hostPublicKey)])
            },
        ])
    }
}

extension PacketCaptureSpec.Endpoint {
    fileprivate var output: OutputValue {
        .object([
            "pod": pod.map {
                .object(["name": .string($0.name), "namespace": .text($0.namespace)])
            }, "ip": .text(ip),
        ])
    }
}

extension PacketSelection {
    fileprivate var output: OutputValue {
        var header: [String: OutputValue?] = [:]
        for transport in transports {
            switch transport {
            case .tcp(let ports, let flags):
                var fields = ports.fields
                fields["flags"] =
                    flags.isEmpty
                    ? nil
                    : .list(
                        flags.map {
                            .object(["value": .int($0.value), "mask": .number($0.mask)])
                        })
                header["tcp"] = .object(fields)
            case .udp(let ports): header["udp"] = .object(ports.fields)
            case .icmp(let messages): header["icmp"] = Self.output(messages)
            case .icmpv6(let messages): header["icmpv6"] = Self.output(messages)
            }
        }
        return .object([
            "ipFamily": .text(ipFamily.map { $0 == .v4 ? "IPv4" : "IPv6" }),
            "protocol": self.protocol?.output,
            "transportHeader": header.isEmpty ? nil : .object(header),
        ])
    }

    private static func output(_ messages: [Message]) -> OutputValue {
        .object([
            "messages": messages.isEmpty
                ? nil
                : .list(
                    messages.map {
                        .object(["type": $0.type.output, "code": .number($0.code)])
                    })
        ])
    }
}

extension PacketSelection.Ports {
    fileprivate var fields: [String: OutputValue?] {
        ["srcPort": .number(srcPort), "dstPort": .number(dstPort)]
    }
}

extension PacketSelection.NumberOrName {
    fileprivate var output: OutputValue {
        switch self {
        case .number(let number): .int(number)
        case .name(let name): .string(name)
        }
    }
}
