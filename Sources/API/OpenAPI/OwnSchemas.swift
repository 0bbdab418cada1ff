import Cluster
import Kubernetes

/// The schemas of our own kinds.
enum OwnSchemas {
    static let sweepSpec = Schema.object(
        "Which Pods are traced to which, on which ports.", required: ["ports"],
        [
            "sources": pods("Pods that send; else all."),
            "destinations": pods("Pods that receive; else all."),
            "ports": Schema.list(
                "What each pair is traced on.",
                of: Schema.object(
                    "A port.",
                    [
                        "protocol": Schema.string("TCP, UDP or ICMP."),
                        "port": Schema.integer("The number; ICMP has none.", 1...65535),
                    ])),
            "ipFamily": Schema.string("The family.", oneOf: ["IPv4", "IPv6"]),
            "coverage": Schema.string(
                "Every pair, or one of each class of Pods that policies treat alike.",
                oneOf: ["pairs", "classes"]),
            "maxInFlight": Schema.integer("So many traces at once.", SweepManifest.openMaxRange),
            "ratePerSecond": Schema.number("So many traces a second at most."),
            "priority": Schema.integer("Which traces go first; 9 does.", 0...9),
            "retries": Schema.integer("How often a failed trace is tried again.", 0...100),
            "timeout": Schema.integer("How long each may run, in seconds.", 1...300),
            "capture": TraceflowSchema.capture,
        ])

    private static func pods(_ about: String) -> JSONValue {
        Schema.object(
            about,
            [
                "namespaces": Schema.list("Of these Namespaces.", of: ["type": "string"]),
                "podSelector": Schema.object(
                    "With these labels.",
                    [
                        "matchLabels": Schema.texts("Labels, all of them."),
                        "matchExpressions": Schema.list(
                            "Expressions, all of them.",
                            of: Schema.object(
                                "An expression.", required: ["key", "operator"],
                                [
                                    "key": Schema.string("The label."),
                                    "operator": Schema.string(
                                        "In, NotIn, Exists or DoesNotExist."),
                                    "values": Schema.list(
                                        "The values.", of: ["type": "string"]),
                                ])),
                    ]),
            ])
    }

    static let sweepStatus = Schema.object(
        "How far the sweep has come.",
        [
            "number": Schema.integer("Its number."),
            "phase": Schema.string("Running, Finished or Cancelled."),
            "reason": Schema.string("Why it was cancelled."),
            "pairs": Schema.integer("Pairs it speaks of."),
            "traces": Schema.integer("Traces it takes."),
            "requested": Schema.integer("Traces requested so far."),
            "ended": Schema.integer("Traces that have ended."),
            "verdicts": [
                "type": "object", "description": "How many traces came to which verdict.",
                "additionalProperties": ["type": "integer"],
            ], "finishedAt": Schema.time("When it ended."),
        ])

    static let scheduleSpec = Schema.object(
        "What is begun, and when.",
        [
            "schedule": Schema.string("A cron expression of five fields; or give every."),
            "every": Schema.string("A length of time, as 5m."),
            "timeZone": Schema.string("Of the cron expression, as Europe/Berlin; else UTC."),
            "suspend": Schema.boolean("Begin nothing for now."),
            "startingDeadlineSeconds": Schema.integer("How late a slot may begin."),
            "concurrencyPolicy": Schema.string(
                "When the one before still runs.", oneOf: ["Allow", "Forbid", "Replace"]),
            "missedSlots": Schema.string(
                "Which slots are made up for.", oneOf: ["None", "Latest", "All"]),
            "missedSlotsMax": Schema.integer("So many at most.", 1...10_000),
            "jitterSeconds": Schema.integer("Begin up to so much later.", 0...86_400),
            "expect": Schema.string("The verdict that is expected, or Model."),
            "failureThreshold": Schema.integer(
                "So many unexpected results mean that the probe is broken.", 1...1000),
            "settleSeconds": Schema.integer(
                "How long results do not count after the cluster changed.", 0...3600),
            "maintenance": Schema.list(
                "When results do not count.",
                of: Schema.object(
                    "A time.",
                    [
                        "schedule": Schema.string("A cron expression."),
                        "timeZone": Schema.string("Of the cron expression."),
                        "start": Schema.string("A moment, in place of a schedule."),
                        "duration": Schema.string("How long, as 2h."),
                        "reason": Schema.string("Why."),
                    ])),
            "traceTemplate": Schema.object(
                "The Traceflow that is begun.", required: ["spec"],
                [
                    "metadata": Schema.object(
                        "What it is called.", ["labels": Schema.texts("Its labels.")]),
                    "spec": TraceflowSchema.spec("v1beta1"),
                    "priority": Schema.integer("Which goes first; 9 does.", 0...9),
                    "retries": Schema.integer("How often it is tried again.", 0...100),
                ]),
            "sweepTemplate": Schema.object(
                "The TraceSweep that is begun, in place of a Traceflow.", required: ["spec"],
                [
                    "metadata": Schema.object(
                        "What it is called.", ["labels": Schema.texts("Its labels.")]),
                    "spec": sweepSpec,
                ]),
        ])

    static let scheduleStatus = Schema.object(
        "How the schedule goes.",
        [
            "begins": Schema.string("Traceflow or TraceSweep."),
            "active": Schema.integer("How many run now."),
            "lastScheduleTime": Schema.time("The last slot that began."),
            "nextScheduleTime": Schema.time("The next slot."),
            "probe": Schema.string("Healthy or Broken."),
            "unexpectedInARow": Schema.integer("Unexpected results in a row."),
            "heldBack": Schema.integer("Results that do not count yet."),
            "path": Schema.string("The path that was found last."),
            "inMaintenance": Schema.boolean("Whether results do not count now."),
            "maintenanceBegin": Schema.time("When that begins."),
            "maintenanceEnd": Schema.time("When that ends."),
        ])
}
