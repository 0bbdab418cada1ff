import Scheduler
import Traceflow

extension TraceRecord {
    /// The request again, but for what history does not keep: annotations, priority, retries, and
    /// the ends that lost to a more exact one.
    public var request: TraceRequest {
        var request = TraceRequest(
            name: name, apiVersion: apiVersion, spec: spec, labels: labels,
            clusterDigest: clusterDigest)
        request.naming = naming
        switch source.kind {
        case .pod: request.spec.source = .init(namespace: source.namespace, pod: source.name)
        case .address: request.spec.source = .init(ip: source.name)
        case .service, .any: break
        }
        switch destination.kind {
        case .pod:
            request.spec.destination = .init(
                namespace: destination.namespace, pod: destination.name)
        case .service:
            request.spec.destination = .init(
                namespace: destination.namespace, service: destination.name)
        case .address: request.spec.destination = .init(ip: destination.name)
        case .any: break
        }
        return request
    }

    /// The trace as it was when the attempt had ended; it began when it was asked for, as far as
    /// history knows.
    public var trace: Trace? {
        guard var trace = Trace(.requested(request), at: requestedAt) else { return nil }
        trace.evolve(
            .tagAllocated(
                TagAllocation(
                    attempt: attempt, tag: 0, scope: .allNodes, executor: "", deadline: endedAt)),
            at: requestedAt)
        for (number, result) in results.enumerated() {
            let id = ReportID(attempt: attempt, node: result.node, sequence: number)
            trace.evolve(.nodeReported(id, result), at: endedAt)
        }
        let end: TraceEvent =
            switch (phase, reason) {
            case (.failed, Trace.timeoutReason):
                .timedOut(attempt: attempt, verdict: verdict ?? .unknown)
            case (.failed, _): .failed(attempt: attempt, reason: reason)
            case (.pending, _), (.running, _), (.succeeded, _):
                .succeeded(attempt: attempt, verdict: verdict ?? .unknown)
            }
        trace.evolve(end, at: endedAt)
        return trace
    }

    /// The protocol and the port that were asked about; nil where the packet does not say.
    public var port: (protocol: String, number: Int?)? {
        let header = spec.packet?.transportHeader
        if let tcp = header?.tcp { return ("TCP", tcp.dstPort) }
        if let udp = header?.udp { return ("UDP", udp.dstPort) }
        if header?.icmp != nil { return ("ICMP", nil) }
        switch spec.packet?.ipHeader?.protocol ?? spec.packet?.ipv6Header?.nextHeader {
        case 1, 58: return ("ICMP", nil)
        case 6: return ("TCP", nil)
        case 17: return ("UDP", nil)
        case 132: return ("SCTP", nil)
        case let number?: return (String(number), nil)
        case nil: return nil
        }
    }
}
