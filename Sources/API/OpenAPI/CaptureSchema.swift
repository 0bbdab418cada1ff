import Kubernetes

/// The schema of PacketCaptures.
enum CaptureSchema {
    static let spec = Schema.object(
        "Which packets are to be kept. One side at least is a Pod.", required: ["captureConfig"],
        [
            "source": endpoint("Where packets come from."),
            "destination": endpoint("Where packets go to."),
            "captureConfig": Schema.object(
                "How many packets.", required: ["firstN"],
                [
                    "firstN": Schema.object(
                        "The first ones.", required: ["number"],
                        [
                            "number": Schema.integer(
                                "So many.", Int(Int32.min)...Int(Int32.max))
                        ])
                ]),
            "direction": Schema.string(
                "Which way they go; SourceToDestination where nothing is said.",
                oneOf: ["SourceToDestination", "DestinationToSource", "Both"]),
            "capturePoint": Schema.string(
                "At which Pod; at the source where that is one.", oneOf: ["Source", "Destination"]),
            "timeout": Schema.integer("How long to wait for them, in seconds.", 1...300),
            "packet": Schema.object(
                "What the packets must match.",
                [
                    "ipFamily": Schema.string("The family.", oneOf: ["IPv4", "IPv6"]),
                    "protocol": Schema.numberOrWord("TCP, UDP, ICMP, ICMPv6 or a number."),
                    "transportHeader": transport,
                ]),
            "fileServer": Schema.object(
                "Where the file is sent to.",
                [
                    "url": Schema.string("sftp://host:port/path"),
                    "hostPublicKey": Schema.string("The server's key, in base64."),
                ]),
        ])

    private static func endpoint(_ about: String) -> JSONValue {
        Schema.object(
            about,
            [
                "pod": Schema.object(
                    "A Pod.", required: ["name"],
                    [
                        "namespace": Schema.string("Its Namespace; else default."),
                        "name": Schema.string("Its name."),
                    ]), "ip": Schema.string("An address."),
            ])
    }

    private static let ports: [String: JSONValue] = [
        "srcPort": Schema.integer("The port that sends.", 1...65535),
        "dstPort": Schema.integer("The port that receives.", 1...65535),
    ]

    private static let messages = Schema.list(
        "Any of these messages.",
        of: Schema.object(
            "A message.", required: ["type"],
            [
                "type": Schema.numberOrWord("Its type: a number, or a name such as icmp-echo."),
                "code": Schema.integer("Its code.", 0...255),
            ]))

    private static let transport: JSONValue = {
        var tcp = ports
        tcp["flags"] = Schema.list(
            "Any of these combinations.",
            of: Schema.object(
                "Flags.", required: ["value"],
                [
                    "value": Schema.integer("The bits.", 0...255),
                    "mask": Schema.integer("Which bits count; else those of value.", 0...255),
                ]))
        return Schema.object(
            "The header of the protocol; one of these at most.",
            [
                "tcp": Schema.object("TCP.", tcp), "udp": Schema.object("UDP.", ports),
                "icmp": Schema.object("ICMP.", ["messages": messages]),
                "icmpv6": Schema.object("ICMPv6.", ["messages": messages]),
            ])
    }()

    static let status = Schema.object(
        "How far the capture has come.",
        [
            "numberCaptured": Schema.integer("Packets so far."),
            "filePath": Schema.string("Where they are."),
            "attempt": Schema.integer("Which attempt it is, from the second on."),
            "captures": TraceflowSchema.captures,
            "conditions": Schema.list(
                "What is the case.",
                of: Schema.object(
                    "A condition.",
                    [
                        "type": Schema.string(
                            "PacketCaptureStarted, PacketCaptureComplete or"
                                + " PacketCaptureFileUploaded."),
                        "status": Schema.string("True or False."),
                        "reason": Schema.string("Why, in one word."),
                        "message": Schema.string("Why, in more."),
                        "lastTransitionTime": Schema.time("Since when."),
                    ])),
        ])
}
