import Kubernetes
import Traceflow

/// The schema of Traceflows, with Antrea's ranges for v1beta1; v1alpha1 has none.
enum TraceflowSchema {
    static func spec(_ version: String) -> JSONValue {
        let isModern = version == "v1beta1"
        func range(_ range: ClosedRange<Int>) -> ClosedRange<Int>? { isModern ? range : nil }
        let port = range(1...65535)
        return Schema.object(
            "What is asked: which packet is sent, from where and where to.",
            [
                "source": Schema.object(
                    "Where the packet begins.",
                    [
                        "namespace": Schema.string("The Namespace of the Pod."),
                        "pod": Schema.string("The Pod that sends."),
                        "ip": Schema.string(
                            "The address that sends; for live traces only."),
                    ]),
                "destination": Schema.object(
                    "Where it is to go. An ip goes before a pod, and that before a service.",
                    [
                        "namespace": Schema.string("The Namespace of the Pod or Service."),
                        "pod": Schema.string("The Pod that receives."),
                        "service": Schema.string("The Service that is asked."),
                        "ip": Schema.string("The address that receives."),
                    ]),
                "packet": Schema.object(
                    "The headers of the packet; of live traces what it must match.",
                    [
                        "ipHeader": Schema.object(
                            "The IPv4 header.",
                            [
                                "protocol": Schema.integer(
                                    "The protocol's number: 1 ICMP, 6 TCP, 17 UDP.",
                                    range(0...255)),
                                "ttl": Schema.integer("Hops that it may take.", range(0...255)),
                                "flags": Schema.integer(
                                    "The flag bits; 2 is don't fragment.", range(0...7)),
                                "srcIP": Schema.string("Not used."),
                            ]),
                        "ipv6Header": Schema.object(
                            "The IPv6 header; makes the trace one of IPv6.",
                            [
                                "nextHeader": Schema.integer(
                                    "The protocol's number.", range(0...65535)),
                                "hopLimit": Schema.integer(
                                    "Hops that it may take.", range(0...65535)),
                                "srcIP": Schema.string("Not used."),
                            ]),
                        "transportHeader": transport(port: port, range),
                    ]),
                "liveTraffic": Schema.boolean(
                    "Watch a packet that the Pods really send, in place of making one."),
                "droppedOnly": Schema.boolean("Of live traffic only a packet that is dropped."),
                "timeout": Schema.integer(
                    "How long the trace may run, in seconds.", range(1...300)),
                "capture": capture,
            ])
    }

    private static func transport(
        port: ClosedRange<Int>?, _ range: (ClosedRange<Int>) -> ClosedRange<Int>?
    ) -> JSONValue {
        Schema.object(
            "The header of the protocol.",
            [
                "tcp": Schema.object(
                    "TCP.",
                    [
                        "srcPort": Schema.integer("The port that sends.", port),
                        "dstPort": Schema.integer("The port that receives.", port),
                        "flags": Schema.integer("The flag bits; 2 is SYN.", range(0...255)),
                    ]),
                "udp": Schema.object(
                    "UDP.",
                    [
                        "srcPort": Schema.integer("The port that sends.", port),
                        "dstPort": Schema.integer("The port that receives.", port),
                    ]),
                "icmp": Schema.object(
                    "An echo request of ICMP.",
                    [
                        "id": Schema.integer("The identifier.", range(0...65535)),
                        "sequence": Schema.integer("The sequence number.", range(0...65535)),
                    ]),
            ])
    }

    /// What tracectl adds to Antrea's spec.
    static let capture = Schema.object(
        "Keep the packets that the trace sees; needs the role captures.", required: ["firstN"],
        [
            "firstN": Schema.integer("So many packets.", CaptureRequest.firstNRange),
            "snaplen": Schema.integer("So many bytes of each.", CaptureRequest.snaplenRange),
            "point": Schema.string(
                "Where: Source, Destination or Both.", oneOf: ["Source", "Destination", "Both"]),
            "direction": Schema.string(
                "Which way they go.",
                oneOf: ["SourceToDestination", "DestinationToSource", "Both"]),
        ])

    static let status = Schema.object(
        "What became of the trace.",
        [
            "phase": Schema.string("Pending, Running, Succeeded or Failed."),
            "reason": Schema.string("Why it failed."),
            "verdict": Schema.string(
                "What became of the packet: Delivered, Dropped, Rejected,"
                    + " ForwardedOutOfNetwork, Lost or Unknown."),
            "attempt": Schema.integer("Which attempt it is, from the second on."),
            "dataplaneTag": Schema.integer("The tag that the packet carries while it runs."),
            "queuedAt": Schema.time("When it became Pending."),
            "startTime": Schema.time("When it became Running."),
            "finishedAt": Schema.time("When it ended."),
            "results": Schema.list(
                "What each node reported.",
                of: Schema.object(
                    "One node's report.",
                    [
                        "node": Schema.string("The node."),
                        "timestamp": Schema.integer("When, in seconds since 1970."),
                        "observations": Schema.list(
                            "What the packet met there, in order.", of: observation),
                    ])),
            "capturedPacket": [
                "type": "object", "description": "The packet of a live trace.",
                "x-kubernetes-preserve-unknown-fields": true,
            ],
            "captures": captures,
        ])

    static let captures = Schema.list(
        "The files that packets were kept in.",
        of: Schema.object(
            "The packets of one point.",
            [
                "node": Schema.string("The node."), "point": Schema.string("Where."),
                "packets": Schema.integer("How many."), "file": Schema.string("The file."),
                "pruned": Schema.boolean("Whether they were given up since."),
            ]))

    private static let observation = Schema.object(
        "What a component did with the packet.",
        [
            "component": Schema.string(
                "SpoofGuard, LB, Routing, NetworkPolicy, Forwarding or Egress."),
            "componentInfo": Schema.string("Which table or rule of it."),
            "action": Schema.string("What it did: Forwarded, Delivered, Dropped, and more."),
            "pod": Schema.string("The Pod that a Service chose."),
            "networkPolicy": Schema.string("The policy that decided."),
            "networkPolicyRule": Schema.string("The rule of it."),
            "egress": Schema.string("The Egress."), "egressIP": Schema.string("Its address."),
            "egressNode": Schema.string("Its node."),
            "srcPodIP": Schema.string("The address of the Pod that sent."),
            "translatedSrcIP": Schema.string("The source address from here on."),
            "translatedDstIP": Schema.string("The destination address from here on."),
            "tunnelDstIP": Schema.string("The node that it was sent to."),
        ])
}
