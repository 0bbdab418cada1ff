import Foundation
import TestBinary
import Testing
import Yams

/// kubectl against our server alone, with the Traceflow guide's own command lines.
struct KubectlTests {
    let served: ServedAPI

    init() throws { served = try ServedAPI(try Binary()) }

    private static let names = [
        "tf-pod1-to-pod2", "tf-pod1-to-pod3", "tf-pod1-to-svc", "tf-pod1-to-pod2-icmp",
        "tf-pod1-to-pod3-tcp-live-traffic", "tf-pod1-to-pod3-icmp-live-traffic",
    ]

    private func scenario(_ number: Int) -> String {
        "\(Binary.scenarios)/scenario\(number).yaml"
    }

    private func apply(_ number: Int) throws -> Binary.Result {
        try served.kubectl(["apply", "-f", scenario(number)])
    }

    private func awaitEnd(_ name: String) throws -> Binary.Result {
        try served.kubectl([
            "wait", "--for=jsonpath={.status.phase}=Succeeded", "tf", name, "--timeout=60s",
        ])
    }

    @Test(arguments: 1...6) func aScenarioIsAppliedShownAndDeleted(number: Int) throws {
        let name = Self.names[number - 1]
        let applied = try apply(number)
        #expect(applied.output == "traceflow.crd.antrea.io/\(name) created\n")
        #expect(applied.errors.isEmpty, "\(applied.errors)")
        let awaited = try awaitEnd(name)
        #expect(awaited.output == "traceflow.crd.antrea.io/\(name) condition met\n")
        let yaml = try served.kubectl(["get", "tf", name, "-o", "yaml"])
        if let wanted = ScenarioTests.expected["scenario\(number)"] {
            #expect(try ScenarioTests.status(yaml.output) == #require(try compose(yaml: wanted)))
        }
        let root = try #require(try compose(yaml: yaml.output))
        #expect(root["apiVersion"]?.string == "crd.antrea.io/v1beta1")
        #expect(root["metadata"]?["uid"]?.string?.count == 36)
        let described = try served.kubectl(["describe", "tf", name])
        #expect(described.output.hasPrefix("Name:         \(name)\n"))
        for line in ["Phase:", "Verdict:", "Component:", "Events:"] {
            #expect(described.output.contains(line))
        }
        #expect(try apply(number).output == "traceflow.crd.antrea.io/\(name) unchanged\n")
        let deleted = try served.kubectl(["delete", "-f", scenario(number)])
        #expect(deleted.output == "traceflow.crd.antrea.io \"\(name)\" deleted\n")
        let gone = try served.kubectl(["get", "tf", name])
        #expect(gone.status == 1)
        #expect(
            gone.errors
                == "Error from server (NotFound): traceflows.crd.antrea.io \"\(name)\" not found\n")
    }

    @Test func wideColumnsAreAntreas() throws {
        for number in [1, 5] { _ = try apply(number) }
        _ = try awaitEnd(Self.names[0])
        let wide = try served.kubectl(["get", "traceflows", "-o", "wide"])
        let lines = wide.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(
            lines[0] == [
                "NAME", "PHASE", "SOURCE-POD", "DESTINATION-POD", "DESTINATION-IP",
                "LIVE-TRAFFIC", "DROPPED-ONLY", "TIMEOUT", "AGE",
            ])
        #expect(lines[1].prefix(4) == ["tf-pod1-to-pod2", "Succeeded", "pod1", "pod2"])
        #expect(lines[2].contains("true"))
        let narrow = try served.kubectl(["get", "tf"])
        #expect(
            narrow.output.split(separator: "\n")[0].split(separator: " ") == [
                "NAME", "PHASE", "AGE",
            ])
    }

    @Test func aWatchShowsEachPhase() throws {
        let watching = Process()
        watching.executableURL = URL(fileURLWithPath: "/usr/bin/kubectl")
        watching.arguments = ["get", "tf", "-w", "--request-timeout=60s"]
        watching.environment = ["KUBECONFIG": served.kubeconfig, "HOME": served.binary.folder]
        let pipe = Pipe()
        (watching.standardOutput, watching.standardError) = (pipe, FileHandle.nullDevice)
        _ = try apply(1)
        try watching.run()
        defer { watching.terminate() }
        var text = ""
        func read(until mark: String) {
            while !text.contains(mark) {
                let data = pipe.fileHandleForReading.availableData
                if data.isEmpty { return }
                text += String(decoding: data, as: UTF8.self)
            }
        }
        read(until: "tf-pod1-to-pod2 ")
        _ = try apply(2)
        read(until: "tf-pod1-to-pod3   Succeeded")
        let rows: [[Substring]] = text.split(separator: "\n").map { $0.split(separator: " ") }
        let own = rows.filter { $0.first == "tf-pod1-to-pod3" && $0.count > 1 }
        let phases: [String] = own.map { String($0[1]) }
        #expect(phases.first == "Pending")
        #expect(phases.contains("Running"))
        #expect(phases.last == "Succeeded")
    }

    @Test func labelsAndAnnotationsAreChangedAndSelectedBy() throws {
        for number in [1, 2] { _ = try apply(number) }
        #expect(
            try served.kubectl(["label", "tf", Self.names[0], "team=net"]).output
                == "traceflow.crd.antrea.io/tf-pod1-to-pod2 labeled\n")
        #expect(try served.kubectl(["annotate", "tf", Self.names[0], "note=x"]).status == 0)
        let selected = try served.kubectl(["get", "tf", "-l", "team in (net, web)", "-o", "name"])
        #expect(selected.output == "traceflow.crd.antrea.io/tf-pod1-to-pod2\n")
        #expect(
            try served.kubectl(["get", "tf", "-l", "team!=net", "-o", "name"]).output
                == "traceflow.crd.antrea.io/tf-pod1-to-pod3\n")
        // What the API changed is a fact of the log, for every reader of it.
        let shown = try served.binary.run(["get", "tf", Self.names[0], "-o", "json"]).output
        for line in ["\"team\": \"net\"", "\"note\": \"x\""] {
            #expect(shown.contains(line))
        }
        let refused = try served.kubectl([
            "patch", "tf", Self.names[0], "--type=merge", "-p", "{\"spec\": {\"timeout\": 9}}",
        ])
        #expect(refused.status == 1 && refused.errors.contains("spec is immutable"))
    }

    @Test func whatIsWrongIsSaidBeforeAnythingIsRecorded() throws {
        func create(_ more: String, pod: String = "pod1") throws -> Binary.Result {
            let text = ServedAPI.traceflow("bad", more).replacing("\"pod1\"", with: "\"\(pod)\"")
            return try served.kubectl(["create", "-f", "-"], input: text)
        }
        #expect(try create(", \"tmeout\": 5").errors.contains("unknown field spec.tmeout"))
        #expect(
            try create(", \"timeout\": 301").errors
                == "The traceflows \"bad\" is invalid: spec.timeout: Invalid value: 301:"
                + " must be between 1 and 300\n")
        #expect(
            try create("", pod: "nobody").errors.contains(
                "admission webhook \"traceflowvalidator.antrea.io\" denied the request: requested"
                    + " source Pod default/nobody not found"))
        #expect(try served.kubectl(["get", "tf", "-o", "name"]).output.isEmpty)
    }

    @Test func kindsAreExplained() throws {
        let explained = try served.kubectl(["explain", "tf.spec.packet.transportHeader.tcp"])
        #expect(explained.output.contains("VERSION:    v1beta1"))
        #expect(explained.output.contains("dstPort\t<integer>"))
        for kind in ["packetcapture", "traceschedule", "tracesweep"] {
            let spec = try served.kubectl(["explain", kind + ".spec"])
            #expect(spec.status == 0 && spec.output.contains("FIELDS:"), "\(spec.errors)")
        }
        let old = try served.kubectl(["explain", "--output=plaintext-openapiv2", "tf.spec"])
        #expect(old.output.contains("liveTraffic\t<boolean>"), "\(old.errors)")
        let kinds = try served.kubectl(["api-resources", "--no-headers"])
        #expect(kinds.output.contains("traceflows"))
        #expect(kinds.output.split(separator: "\n").count == 5)
    }

    @Test func ourOwnKindsAndCapturesAreServed() throws {
        let manifests = """
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSchedule
            metadata: {name: web-db}
            spec:
              every: 1h
              traceTemplate:
                spec:
                  source: {namespace: default, pod: pod1}
                  destination: {namespace: default, pod: pod2}
            ---
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSchedule
            metadata: {name: wide}
            spec:
              every: 1h
              sweepTemplate:
                spec:
                  sources: {podSelector: {matchExpressions: [{key: old, operator: DoesNotExist}]}}
                  ports: [{port: 80}]
            ---
            apiVersion: tracectl.dev/v1alpha1
            kind: TraceSweep
            metadata: {name: all}
            spec: {ports: [{protocol: TCP, port: 80}]}
            ---
            apiVersion: crd.antrea.io/v1alpha1
            kind: PacketCapture
            metadata: {name: pc}
            spec:
              source: {pod: {name: pod1, namespace: default}}
              destination: {pod: {name: pod3, namespace: default}}
              captureConfig: {firstN: {number: 1}}
            """
        let applied = try served.kubectl(["create", "-f", "-"], input: manifests)
        #expect(applied.status == 0, "\(applied.errors)")
        let awaited = try served.kubectl([
            "wait", "--for=jsonpath={.status.phase}=Finished", "tracesweep", "all",
            "--timeout=60s",
        ])
        #expect(awaited.output == "tracesweep.tracectl.dev/all condition met\n")
        let complete = try served.kubectl([
            "wait", "--for=condition=PacketCaptureComplete", "pcap", "pc", "--timeout=60s",
        ])
        #expect(complete.output == "packetcapture.crd.antrea.io/pc condition met\n")
        let schedules = try served.kubectl(["get", "traceschedules", "--no-headers"])
        #expect(schedules.output.hasPrefix("web-db   every 1h   UTC"))
        // Members of a sweep are none of the API's objects.
        #expect(try served.kubectl(["get", "tf", "-o", "name"]).output.isEmpty)
        for (name, kept) in [
            ("web-db", "traceTemplate.spec.source.pod"),
            ("wide", "sweepTemplate.spec.sources.podSelector.matchExpressions[0].key"),
        ] {
            let paused = try served.kubectl([
                "patch", "traceschedule", name, "--type=merge", "-p",
                "{\"spec\": {\"suspend\": true}}",
            ])
            #expect(paused.status == 0, "\(paused.errors)")
            let suspended = try served.kubectl([
                "get", "traceschedule", name, "-o",
                "jsonpath={.spec.suspend} {.spec.\(kept)}",
            ])
            #expect(suspended.output == (name == "wide" ? "true old" : "true pod1"))
        }
        #expect(try served.kubectl(["delete", "traceschedule", "web-db"]).status == 0)
        #expect(try served.kubectl(["delete", "tracesweep", "all"]).errors.contains("history"))
    }
}
