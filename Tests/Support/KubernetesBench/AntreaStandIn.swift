import Foundation
import TestBinary

/// Plays Antrea's controller and agents on an API server (`Tests/Support/Antrea/stand_in.py`).
package final class AntreaStandIn: Sendable {
    package static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Antrea").standardized.path

    private let child: Child

    /// Times are made shorter by `timeScale`; `delayMilliseconds` passes before nodes report.
    package init(
        on server: APIServer, timeScale: Double = 0.05, delayMilliseconds: Int = 30,
        version: String = "v1beta1", seed: Int = 1
    ) throws {
        child = try Child(
            [
                "python3", Self.folder + "/stand_in.py", "--server", server.url, "--ca",
                server.authority, "--time-scale", String(timeScale), "--delay-ms",
                String(delayMilliseconds), "--version", version, "--seed", String(seed),
            ], environment: ["STAND_IN_TOKEN": server.token])
        _ = try child.wait(for: "\"ready\"")
    }

    /// One thing that it did.
    package struct Fact: Decodable, Sendable {
        package var fact: String
        package var name: String?
        package var uid: String?
        package var tag: Int?
        package var busy: Int?
        package var phase: String?
        package var labels: [String: String]?
    }

    package var facts: [Fact] {
        child.lines.compactMap { try? JSONDecoder().decode(Fact.self, from: Data($0.utf8)) }
    }

    /// Most tags that were busy at once.
    package var busyMax: Int { facts.compactMap(\.busy).max() ?? 0 }

    /// Of each attempt of a log how many objects were begun.
    package var begunObjects: [String: Int] {
        var begun: [String: Int] = [:]
        for fact in facts where fact.fact == "started" {
            guard let labels = fact.labels, let log = labels["tracectl.dev/log"],
                let trace = labels["tracectl.dev/trace"],
                let attempt = labels["tracectl.dev/attempt"]
            else { continue }
            begun["\(log)/\(trace)/\(attempt)", default: 0] += 1
        }
        return begun
    }

    /// The names of objects that were begun and did not end.
    package var unended: Set<String> {
        let facts = facts
        return Set(facts.filter { $0.fact == "started" }.compactMap(\.name))
            .subtracting(facts.filter { $0.fact == "ended" }.compactMap(\.name))
    }

    package func stop() { child.kill() }
}

/// A cluster of Pods on an API server that has no kubelets.
package enum TestCluster {
    /// Makes so many nodes and Pods, and a Service `web` over every second one.
    package static func make(on server: APIServer, nodes: Int, pods: Int) throws {
        try Child.run(
            [
                "python3", AntreaStandIn.folder + "/cluster.py", "--server", server.url, "--ca",
                server.authority, "--nodes", String(nodes), "--pods", String(pods),
            ], environment: ["STAND_IN_TOKEN": server.token])
    }
}

/// A proxy that does what networks do (`Tests/Support/Antrea/fault_proxy.py`).
package final class FaultProxy: Sendable {
    private let child: Child
    package let port: Int
    private let adminPort: Int

    private struct Ports: Decodable {
        var port: Int
        var admin: Int
    }

    package init(before server: APIServer, seed: Int = 1) throws {
        child = try Child(
            [
                "python3", AntreaStandIn.folder + "/fault_proxy.py", "--server", server.url, "--ca",
                server.authority, "--seed", String(seed),
            ])
        let line = try child.wait(for: "}\n")
        let ports = try JSONDecoder().decode(Ports.self, from: Data(line.utf8))
        (port, adminPort) = (ports.port, ports.admin)
    }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// Chances of faults by their names.
    package func set(_ faults: [String: Double]) throws {
        let body = String(decoding: try JSONEncoder().encode(faults), as: UTF8.self)
        try Child.run(
            ["curl", "-sf", "-X", "PUT", "--data", body, "http://127.0.0.1:\(adminPort)/faults"])
    }

    /// How often each fault happened, and how many `requests` there were.
    package func counts() throws -> [String: Int] {
        let text = try Child.run(["curl", "-sf", "http://127.0.0.1:\(adminPort)/faults"])
        return try JSONDecoder().decode([String: Int].self, from: Data(text.utf8))
    }

    package func stop() { child.kill() }
}
