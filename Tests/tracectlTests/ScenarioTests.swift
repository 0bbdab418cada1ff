import Foundation
import TestBinary
import Testing
import Yams

/// The guide's scenarios on the embedded cluster, field by field.
struct ScenarioTests {
    static let expected: [String: String] = [
        "scenario1": """
        phase: Succeeded
        results:
        - node: k8s2-md-0-647454fc57-9sf7n
          observations:
          - {action: Forwarded, component: SpoofGuard}
          - {action: Forwarded, component: NetworkPolicy, componentInfo: EgressRule,
             networkPolicy: "K8sNetworkPolicy:default/allow-egress-to-pod2"}
          - {action: Forwarded, component: NetworkPolicy, componentInfo: IngressRule,
             networkPolicy: "K8sNetworkPolicy:default/allow-ingress-from-pod1"}
          - {action: Delivered, component: Forwarding, componentInfo: Output}
        verdict: Delivered
        """,
        "scenario4": """
        phase: Succeeded
        results:
        - node: k8s2-md-0-647454fc57-9sf7n
          observations:
          - {action: Forwarded, component: SpoofGuard}
          - {action: Forwarded, component: NetworkPolicy, componentInfo: EgressRule,
             networkPolicy: "K8sNetworkPolicy:default/allow-egress-to-pod2"}
          - {action: Dropped, component: NetworkPolicy, componentInfo: IngressDefaultRule}
        verdict: Dropped
        """,
        "scenario5": """
        capturedPacket:
          dstIP: 172.16.3.8
          ipHeader: {flags: 2, protocol: 6, ttl: 63}
          length: 60
          srcIP: 172.16.5.11
          transportHeader: {tcp: {dstPort: 80, flags: 2, srcPort: 56350}}
        phase: Succeeded
        results: \(far)
        verdict: Delivered
        """,
        "scenario2": "{phase: Succeeded, results: \(far), verdict: Delivered}",
        "scenario6": """
        capturedPacket:
          dstIP: 172.16.3.8
          ipHeader: {flags: 2, protocol: 1, ttl: 62}
          length: 84
          srcIP: 172.16.5.11
          transportHeader: {}
        phase: Succeeded
        results:
        - node: k8s2-md-0-647454fc57-qpqbg
          observations:
          - {action: Received, component: Forwarding, componentInfo: Classification}
          - {action: Dropped, component: NetworkPolicy, componentInfo: IngressDefaultRule}
        verdict: Dropped
        """,
    ]

    static let far = """
        [{node: k8s2-md-0-647454fc57-9sf7n, observations: [{action: Forwarded, component: SpoofGuard},
        {action: Forwarded, component: NetworkPolicy, componentInfo: EgressRule, networkPolicy:
        "K8sNetworkPolicy:default/allow-egress-to-pod2"}, {action: Forwarded, component: Forwarding,
        componentInfo: Output, tunnelDstIP: 192.168.11.112}]}, {node: k8s2-md-0-647454fc57-qpqbg,
        observations: [{action: Received, component: Forwarding, componentInfo: Classification},
        {action: Forwarded, component: NetworkPolicy, componentInfo: IngressRule, networkPolicy:
        "K8sNetworkPolicy:default/allow-ingress-from-pod1"}, {action: Delivered, component:
        Forwarding, componentInfo: Output}]}]
        """

    /// The status without what time decides.
    static func status(_ text: String) throws -> Node {
        var status = try #require(try compose(yaml: text)?["status"])
        for key in ["queuedAt", "finishedAt"] { status.mapping?[Node(key)] = nil }
        let results = status["results"]?.array().map { result in
            var result = result
            result.mapping?["timestamp"] = nil
            return result
        }
        status["results"] = results.map { Node($0) }
        return status
    }

    @Test(arguments: expected.keys.sorted())
    func aScenarioEndsAsTheGuideShows(name: String) throws {
        let binary = try Binary()
        let result = try binary.run([
            "run", "--cluster", binary.cluster, "--traffic", Binary.scenarios + "/traffic.pcap",
            "-f", "\(Binary.scenarios)/\(name).yaml", "-o", "yaml",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let expected = try #require(try compose(yaml: Self.expected[name] ?? ""))
        #expect(try Self.status(result.output) == expected)
    }

    @Test func bothEndpointsOfTheServiceAreChosen() throws {
        let binary = try Binary()
        var seen: Set<String> = []
        for seed in 1...12 {
            let result = try binary.run([
                "run", "--log", "\(binary.log)-\(seed)", "--cluster", binary.cluster, "-f",
                "\(Binary.scenarios)/scenario3.yaml", "-o", "yaml", "--seed", "\(seed)",
            ])
            for pod in ["default/pod2", "default/pod3"] where result.output.contains("pod: \(pod)")
            {
                seen.insert(pod)
            }
        }
        #expect(seen == ["default/pod2", "default/pod3"])
    }

    @Test func theDemoShowsAllSix() throws {
        let binary = try Binary()
        let result = try binary.run(["demo", "--keep", binary.folder + "/demo"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.components(separatedBy: "tf-pod1-to-").count - 1 == 6)
        let kept = try binary.run(["get", "--log", binary.folder + "/demo/log", "-o", "name"])
        #expect(kept.output.split(separator: "\n").count == 6)
    }
}
