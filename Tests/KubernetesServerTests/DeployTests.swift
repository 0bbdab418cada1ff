import Foundation
import KubernetesBench
import TestBinary
import Testing

extension RealServer {
    /// That what `deploy/` holds can be applied, allows what is needed and no more, and that the
    /// schemas take what the manifest readers take.
    @Suite("What deploy/ holds", .serialized) struct DeployTests {
        private let server: APIServer
        private static let repository = Child.root

        init() throws { server = try Bench.deployed.get() }

        @Test func definitionsAreStructural() throws {
            for kind in ["traceschedules", "tracesweeps"] {
                let conditions = try server.kubectl(
                    "get", "crd", kind + ".tracectl.dev", "-o",
                    "jsonpath={.status.conditions[*].type}")
                #expect(conditions == "NamesAccepted Established")
            }
        }

        @Test func serviceAccountMayDoWhatItMust() throws {
            let readable = [
                "nodes", "namespaces", "pods", "services", "endpointslices.discovery.k8s.io",
                "networkpolicies.networking.k8s.io", "networkpolicies.crd.antrea.io",
                "clusternetworkpolicies.crd.antrea.io", "tiers.crd.antrea.io",
                "groups.crd.antrea.io", "clustergroups.crd.antrea.io", "egresses.crd.antrea.io",
                "adminnetworkpolicies.policy.networking.k8s.io",
                "baselineadminnetworkpolicies.policy.networking.k8s.io",
                "traceflows.crd.antrea.io", "traceschedules.tracectl.dev",
                "tracesweeps.tracectl.dev",
            ]
            for resource in readable {
                #expect(try may("watch", resource), "watch \(resource)")
                try server.kubectl(
                    "--context", "tracectl", "get", resource, "--all-namespaces")
            }
            for verb in ["create", "delete"] {
                #expect(try may(verb, "traceflows.crd.antrea.io"))
            }
            for kind in ["traceschedules", "tracesweeps"] {
                #expect(try may("update", "\(kind).tracectl.dev", "--subresource=status"))
                #expect(try may("patch", "\(kind).tracectl.dev", "--subresource=status"))
            }
            #expect(try may("create", "events"))
            let settings = "/api/v1/namespaces/kube-system/configmaps"
            let one = settings + "?fieldSelector=metadata.name%3Dantrea-config"
            try server.kubectl("--context", "tracectl", "get", "--raw", one)
        }

        @Test func serviceAccountMayDoNoMore() throws {
            let denied = [
                ("get", "secrets"), ("list", "configmaps"), ("create", "pods"), ("update", "nodes"),
                ("update", "traceflows.crd.antrea.io"), ("patch", "traceflows.crd.antrea.io"),
                ("create", "networkpolicies.networking.k8s.io"),
                ("create", "traceschedules.tracectl.dev"),
                ("update", "traceschedules.tracectl.dev"), ("delete", "tracesweeps.tracectl.dev"),
                ("create", "clusterrolebindings"), ("list", "serviceaccounts"),
            ]
            for (verb, resource) in denied {
                #expect(try !may(verb, resource), "\(verb) \(resource)")
            }
            #expect(try !may("get", "pods", "--subresource=log"))
            #expect(try !may("create", "pods", "--subresource=exec"))
            #expect(try !may("get", "configmaps/other", "-n", "kube-system"))
        }

        private func may(_ verb: String, _ resource: String, _ more: String...) throws -> Bool {
            // An answer of no is a failure too.
            let answer = try? Child.run(
                [
                    "kubectl", "--kubeconfig", server.kubeconfig, "--context", "tracectl", "auth",
                    "can-i", verb, resource,
                ] + more)
            return answer?.split(separator: "\n").last == "yes"
        }

        static let pair = """
            source: {namespace: shop, pod: web}, destination: {namespace: shop, service: db}
            """
        static let trace = "traceTemplate: {spec: {\(pair)}}"

        @Test(arguments: [
            "every: 30s, \(trace)",
            "schedule: '*/5 8-17 * * mon-fri', timeZone: Europe/Berlin, \(trace)",
            """
            every: 1h30m, suspend: true, startingDeadlineSeconds: 0, concurrencyPolicy: Forbid,
            missedSlots: All, missedSlotsMax: 10000, jitterSeconds: 86400, expect: Model,
            failureThreshold: 1000, settleSeconds: 3600, maintenance: [
            {schedule: 0 3 * * sun, timeZone: UTC, duration: 2h, reason: why},
            {start: '2026-12-01T03:00:00Z', duration: 90m}],
            traceTemplate: {metadata: {labels: {a: b}}, priority: 9, retries: 100, spec: {
            \(pair), timeout: 300, packet: {transportHeader: {tcp: {dstPort: 65535, flags: 2}}},
            capture: {firstN: 65535, snaplen: 65536, point: Both, direction: Both}}}
            """,
            "every: 5m, sweepTemplate: {spec: {ports: [{protocol: icmp}, {port: 80}]}}",
        ])
        func schedulesAreTaken(_ spec: String) throws {
            try check("TraceSchedule", "some-schedule", spec, isTaken: true)
        }

        @Test(arguments: [
            "\(trace)", "every: 30s", "every: 30s, schedule: 0 3 * * sun, \(trace)",
            "every: 30s, timeZone: UTC, \(trace)", "every: soon, \(trace)",
            "every: 30s, \(trace), sweepTemplate: {spec: {ports: [{port: 1}]}}",
            "every: 30s, jitterSeconds: 86401, \(trace)", "every: 30s, expect: Hope, \(trace)",
            "every: 30s, settleSeconds: 1, \(trace)",
            "every: 30s, maintenance: [{start: '2026-12-01T03:00:00Z', duration: 1h}], \(trace)",
            "every: 30s, expect: Lost, maintenance: [{duration: 1h}], \(trace)",
            "every: 30s, traceTemplate: {spec: {timeout: 301}}",
            "every: 30s, traceTemplate: {priority: 10, spec: {}}",
            "every: 30s, traceTemplate: {spec: {capture: {point: Source}}}",
            "every: 30s, concurrencyPolicy: Perhaps, \(trace)",
        ])
        func schedulesAreRefused(_ spec: String) throws {
            try check("TraceSchedule", "some-schedule", spec, isTaken: false)
        }

        @Test(arguments: [
            "ports: [{port: 1}]",
            """
            sources: {namespaces: [shop], podSelector: {matchLabels: {app: web},
            matchExpressions: [{key: tier, operator: In, values: [a]}]}}, destinations: {},
            ports: [{protocol: UDP, port: 65535}, {protocol: ICMP}], ipFamily: IPv6,
            coverage: classes, maxInFlight: 1000000, ratePerSecond: 0.5, priority: 0, retries: 0,
            timeout: 1, capture: {firstN: 1}
            """,
        ])
        func sweepsAreTaken(_ spec: String) throws {
            try check("TraceSweep", "all-of-shop", spec, isTaken: true)
        }

        @Test(arguments: [
            "{}", "ports: []", "ports: [{protocol: TCP}]", "ports: [{protocol: ICMP, port: 1}]",
            "ports: [{protocol: SCTP, port: 1}]", "ports: [{port: 0}]", "ports: [{port: 65536}]",
            "ports: [{port: 1}], ipFamily: IPv5", "ports: [{port: 1}], ratePerSecond: 0",
            "ports: [{port: 1}], timeout: 0", "ports: [{port: 1}], coverage: some",
        ])
        func sweepsAreRefused(_ spec: String) throws {
            try check("TraceSweep", "all-of-shop", spec, isTaken: false)
        }

        @Test func numbersAreNoNamesOfSweeps() throws {
            try check("TraceSweep", "17", "ports: [{port: 1}]", isTaken: false)
        }

        private func check(
            _ kind: String, _ name: String, _ spec: String, isTaken: Bool
        ) throws {
            let manifest = """
                apiVersion: tracectl.dev/v1alpha1
                kind: \(kind)
                metadata: {name: "\(name)"}
                spec: \(spec == "{}" ? spec : "{\(spec)}")
                """
            // The server's own judgement, without kubectl's before it.
            do {
                try server.kubectl(
                    "create", "--dry-run=server", "--validate=false", "-f", "-", input: manifest)
                #expect(isTaken, "\(spec)")
            } catch {
                #expect(!isTaken, "\(spec): \(error)")
                #expect("\(error)".contains("is invalid"), "\(error)")
            }
        }

        @Test func alertRulesAreThoseOfTheFile() throws {
            let made = try Child.run([Self.repository + "/scripts/alert-rules"])
            let kept = try String(
                contentsOfFile: Self.repository
                    + "/deploy/kustomize/monitoring/prometheusrule.yaml", encoding: .utf8)
            #expect(made == kept)
        }

        @Test func overlaysAreWhole() throws {
            let all = try server.kubectl(
                "kustomize", Self.repository + "/deploy/kustomize/monitoring")
            for kind in ["PrometheusRule", "ServiceMonitor", "Deployment", "Role"] {
                #expect(all.contains("kind: \(kind)\n"))
            }
            #expect(all.contains("name: metrics-proxy"))
        }
    }
}
