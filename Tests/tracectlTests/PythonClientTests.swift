import Foundation
import TestBinary
import Testing

/// The official Python client, against our server alone.
struct PythonClientTests {
    @Test func itListsWatchesAndPatches() throws {
        let python = Tools.root + "/.build/tools/kubernetes/bin/python"
        try #require(
            FileManager.default.isExecutableFile(atPath: python),
            "the Python client is missing: run `scripts/setup tests`")
        let served = try ServedAPI(try Binary())
        #expect(
            try served.ask("POST", ServedAPI.traceflows, ServedAPI.traceflow("held")).status == 201)
        let script = Tools.root + "/Tests/tracectlTests/Clients/python_client.py"
        let result = try Tools.run(
            python, [script, served.kubeconfig, "held"], in: served.binary.folder)
        #expect(result.output == "ok\n", "\(result.errors)")
    }
}
