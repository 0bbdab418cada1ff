import Traceflow

/// May this source reach that destination on a port?
public struct PairQuestion: Hashable, Sendable {
    /// `namespace/pod`, or `ip:ADDRESS` for an address outside the cluster.
    public var source: String
    public var destination: String
    /// TCP, UDP, SCTP, or ICMP for an echo request.
    public var `protocol`: String
    /// 0 for ICMP.
    public var port: Int

    public init(source: String, destination: String, protocol: String, port: Int) {
        self.source = source
        self.destination = destination
        self.protocol = `protocol`
        self.port = port
    }
}

/// The answer to a question, with the reasons of both directions.
public struct PairAnswer: Hashable, Sendable {
    public var question: PairQuestion
    public var egress: DirectionWhy
    public var ingress: DirectionWhy

    public var allowed: Bool { egress.allowed && ingress.allowed }

    /// Unknown when a rule with a domain name would turn the answer around.
    public var verdict: Verdict {
        for side in [egress, ingress] where !side.allowed && side.isCertain {
            return side.isRejected ? .rejected : .dropped
        }
        if !egress.isCertain || !ingress.isCertain { return .unknown }
        return .delivered
    }
}

/// A question that cannot be answered, and why.
public struct PairError: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String
}

extension Cluster {
    /// Answers a pair from the policies of both sides.
    ///
    /// Pods with addresses of both families are asked about in the preferred one.
    public func answer(
        _ question: PairQuestion, prefersV6: Bool = false
    ) throws(PairError) -> PairAnswer {
        var flow = flow(
            from: try end(question.source), to: try end(question.destination),
            try headers(question), prefersV6: prefersV6)
        if flow.headers.isICMP, flow.destination.address?.family == .v6 {
            flow.headers = Headers(protocol: Headers.icmpv6, icmpType: 128, icmpCode: 0)
        }
        return PairAnswer(
            question: question, egress: why(flow, .egress), ingress: why(flow, .ingress))
    }

    private func headers(_ question: PairQuestion) throws(PairError) -> Headers {
        if question.protocol.uppercased() == "ICMP" {
            return Headers(protocol: Headers.icmp, icmpType: 8, icmpCode: 0)
        }
        guard let number = Headers.number(of: question.protocol) else {
            throw PairError(
                description: "protocol \(question.protocol): use TCP, UDP, SCTP or ICMP")
        }
        guard (1...65535).contains(question.port) else {
            throw PairError(description: "port \(question.port): must be between 1 and 65535")
        }
        return Headers(protocol: number, port: question.port)
    }

    /// A connection between two ends, in a family that both have.
    func flow(
        from source: FlowEnd, to destination: FlowEnd, _ headers: Headers,
        prefersV6: Bool = false
    ) -> Flow {
        var flow = Flow(source: source, destination: destination, headers: headers)
        let order: [IPAddress.Family] = prefersV6 ? [.v6, .v4] : [.v4, .v6]
        let common = order.first {
            address(source, $0) != nil && address(destination, $0) != nil
        }
        for family in [common].compactMap({ $0 }) + order {
            if let found = address(source, family), flow.source.address == nil {
                flow.source.address = found
            }
            if let found = address(destination, family), flow.destination.address == nil {
                flow.destination.address = found
            }
        }
        return flow
    }

    private func end(_ text: String) throws(PairError) -> FlowEnd {
        if text.hasPrefix("ip:") {
            guard let address = IPAddress(text.dropFirst(3)) else {
                throw PairError(description: "\(text): not an IP address")
            }
            return FlowEnd(pod: pod(at: address), address: address)
        }
        return FlowEnd(pod: try place(of: text), address: nil)
    }

    private func address(_ end: FlowEnd, _ family: IPAddress.Family) -> IPAddress? {
        if let given = end.address { return given.family == family ? given : nil }
        return end.pod.flatMap { pods[$0].address(family) }
    }
}
