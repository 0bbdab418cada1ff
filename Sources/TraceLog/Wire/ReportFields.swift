import Traceflow

extension NodeResult {
    /// Reads what reports of many traces share, a NodeReported of node and observations, in place:
    /// every other report of a sweep is a new one, read by who decides and by the history.
    init(shape bytes: UnsafeRawBufferPointer) throws {
        self.init(node: "", timestamp: 0, observations: [])
        observations.reserveCapacity(4)
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            guard let bytes = field.bytes else { continue }
            switch field.number {
            case 2: node = try String(field: bytes)
            case 5: observations.append(try Observation(fields: bytes))
            case _: break
            }
        }
    }

    init(shape bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { try NodeResult(shape: $0) }
    }
}

extension Observation {
    fileprivate init(fields bytes: UnsafeRawBufferPointer) throws {
        var (component, action) = (PBComponent.unspecified, PBAction.unspecified)
        var componentInfo: String?
        var pod: String?
        var networkPolicy: String?
        var networkPolicyRule: String?
        var egress: String?
        var egressIP: String?
        var egressNode: String?
        var srcPodIP: String?
        var translatedSrcIP: String?
        var translatedDstIP: String?
        var tunnelDstIP: String?
        var reader = WireReader(bytes)
        while let field = try reader.next() {
            guard let bytes = field.bytes else {
                let value = Int(truncatingIfNeeded: Int32(truncatingIfNeeded: field.value))
                switch field.number {
                case 1: component = PBComponent(rawValue: value) ?? .unspecified
                case 2: action = PBAction(rawValue: value) ?? .unspecified
                case _: break
                }
                continue
            }
            switch field.number {
            case 3: componentInfo = try String(field: bytes)
            case 4: pod = try String(field: bytes)
            case 5: networkPolicy = try String(field: bytes)
            case 6: networkPolicyRule = try String(field: bytes)
            case 7: egress = try String(field: bytes)
            case 8: egressIP = try String(field: bytes)
            case 9: egressNode = try String(field: bytes)
            case 10: srcPodIP = try String(field: bytes)
            case 11: translatedSrcIP = try String(field: bytes)
            case 12: translatedDstIP = try String(field: bytes)
            case 13: tunnelDstIP = try String(field: bytes)
            case _: break
            }
        }
        self.init(
            try Component(component), try Action(action), componentInfo: componentInfo, pod: pod,
            networkPolicy: networkPolicy, networkPolicyRule: networkPolicyRule, egress: egress,
            egressIP: egressIP, egressNode: egressNode, srcPodIP: srcPodIP,
            translatedSrcIP: translatedSrcIP, translatedDstIP: translatedDstIP,
            tunnelDstIP: tunnelDstIP)
    }
}

extension String {
    fileprivate init(field bytes: UnsafeRawBufferPointer) throws(Malformed) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(what: "a text that is not UTF-8")
        }
        self = text
    }
}
