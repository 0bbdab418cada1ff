import Foundation
import TestBinary
import Testing

@testable import Worker

/// Requests that no client of good will sends: each gets a Status, and the server goes on.
struct MalformedRequestTests {
    private static let path = ServedAPI.traceflows
    private static let good = ServedAPI.traceflow("x")

    private static func request(
        _ method: String, _ path: String, _ body: String = "",
        type: String = "application/json", _ more: String = ""
    ) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\(more)\r\n\(body)"
    }

    /// What is sent, and the codes that are right.
    private static let corpus: [(String, Set<Int>)] = {
        var corpus: [(String, Set<Int>)] = [
            ("\0\u{1}\u{2}garbage\r\n\r\n", [400]), ("GET\r\n\r\n", [400]),
            ("GET / HTTP/9.9\r\n\r\n", [400]), ("G@T / HTTP/1.1\r\n\r\n", [400]),
            ("GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\n\r\n", [431]),
            ("GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 500) + "\r\n", [431]),
            (
                "GET / HTTP/1.1\r\nX: " + String(repeating: "y", count: 100_000) + "\r\n\r\n",
                [431]
            ), ("POST \(path) HTTP/1.1\r\nContent-Length: -5\r\n\r\n", [400]),
            ("POST \(path) HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", [400]),
            (
                "POST \(path) HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "0\r\n\r\n", [400]
            ),
            (
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "zz\r\n", [400]
            ),
            ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", [403]),
            (request("GET", path, "", "Origin: http://evil.example\r\n"), [403]),
            (request("GET", "/%zz"), [400]), (request("GET", "/apis/%00"), [400]),
            (request("GET", path + "/../../x"), [404]), (request("GET", "/api/v1/pods"), [404]),
            (request("GET", "/apis/apps/v1/deployments"), [404]),
            (request("GET", "/openapi/v3/apis/x"), [404]),
            (request("GET", path, "", "Accept: text/html\r\n"), [406]),
            (request("OPTIONS", path), [405]), (request("TRACE", path), [405]),
            (request("PUT", path), [405]), (request("PATCH", path), [405]),
            (request("POST", path + "/x"), [405]), (request("POST", "/version"), [405]),
            (request("PUT", path + "/x/status", good), [405]),
            (request("DELETE", path + "/nobody"), [404]),
            (request("DELETE", path + "/nobody", "{"), [400]),
            (request("POST", path, String(repeating: "x", count: 4 << 20)), [413]),
            (request("POST", path, good, type: "text/plain"), [415]),
            (request("POST", path, good, type: "application/vnd.kubernetes.protobuf"), [415]),
            (request("PATCH", path + "/held", "{}", type: "application/json"), [415]),
            (
                request(
                    "PATCH", path + "/held", "{}",
                    type: "application/strategic-merge-patch+json"), [415]
            ),
            (request("PATCH", path + "/held", "{}", type: "application/apply-patch+yaml"), [400]),
        ]
        for query in [
            "limit=-1", "limit=x", "continue=zzz", "labelSelector=%3D%3D", "labelSelector=a+in+b",
            "labelSelector=a+in+(", "fieldSelector=spec.x%3D1", "fieldSelector=%20",
            "watch=1&resourceVersion=abc", "watch=1&timeoutSeconds=99999999999999999999",
            "resourceVersion=-2",
        ] {
            corpus.append((request("GET", path + "?" + query), [400]))
        }
        corpus.append((request("GET", path + "?watch=1&resourceVersion=99999999"), [504]))
        for body in [
            "", "{", "[]", "null", "\"x\"", "5", "{\"metadata\": 5}",
            String(repeating: "[", count: 100_000), "\u{0}", "{} {}",
            good.replacing("Traceflow", with: "Pod"),
            good.replacing("v1beta1", with: "v9"),
            good.replacing("\"name\": \"x\"", with: "\"name\": \"x\", \"labels\": {\"a\": 5}"),
            good.replacing("\"name\": \"x\"", with: "\"name\": \"x\", \"namespace\": \"d\""),
            good.replacing("\"spec\": {", with: "\"spec\": {\"timeout\": 1e400, "),
        ] {
            corpus.append((request("POST", path, body), [400]))
        }
        for body in [
            "{\"metadata\": {}}", good.replacing("\"x\"", with: "\"A B\""),
            good.replacing("\"x\"", with: "\"../x\""), good.replacing("\"pod1\"", with: "[]"),
            good.replacing("\"spec\": {", with: "\"spec\": {\"timeout\": 9223372036854775807, "),
            good.replacing("\"spec\": {", with: "\"spec\": {\"timeout\": 1.5, "),
            good.replacing(
                "\"name\": \"x\"", with: "\"name\": \"x\", \"labels\": {\"a b\": \"c\"}"),
        ] {
            corpus.append((request("POST", path, body), [422]))
        }
        for patch in ["{}", "[{\"op\": \"zap\"}]", "[{\"op\": \"add\", \"path\": \"x\"}]", "["] {
            corpus.append(
                (
                    request("PATCH", path + "/held", patch, type: "application/json-patch+json"),
                    [400]
                ))
        }
        for patch in [
            "[{\"op\": \"remove\", \"path\": \"/nowhere\"}]",
            "[{\"op\": \"test\", \"path\": \"/kind\", \"value\": 1}]",
            "[{\"op\": \"add\", \"path\": \"/spec/timeout\", \"value\": 5}]",
        ] {
            corpus.append(
                (
                    request("PATCH", path + "/held", patch, type: "application/json-patch+json"),
                    [422]
                ))
        }
        for yaml in [
            "a: &a [*a]", "\t", "- x\n- y",
            "a: &a [x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c]\n"
                + "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]",
        ] {
            corpus.append((request("POST", path, yaml, type: "application/yaml"), [400]))
        }
        return corpus
    }()

    @Test func eachGetsAStatusAndTheServerGoesOn() throws {
        let served = try ServedAPI(try Binary())
        #expect(
            try served.ask("POST", Self.path, ServedAPI.traceflow("held")).status == 201)
        for (bytes, codes) in Self.corpus {
            let what = Comment(rawValue: String(bytes.prefix(200)))
            let answer = try #require(served.client.send(Array(bytes.utf8)), what)
            #expect(codes.contains(answer.status), what)
            let status = try ServedAPI.object(answer)
            #expect(status["kind"] as? String == "Status", what)
            #expect(status["status"] as? String == "Failure", what)
            #expect(status["code"] as? Int == answer.status, what)
            #expect((status["message"] as? String)?.isEmpty == false, what)
            #expect(!answer.body.contains(served.binary.folder), "no path of this machine is told")
        }
        #expect(served.process.isRunning)
        #expect(try served.ask("GET", "/healthz").body == "ok")
        #expect(
            try served.binary.run(["get", "-o", "name"]).output == "traceflow.crd.antrea.io/held\n")
    }

    @Test(arguments: 1...4) func changedBytesHarmNobody(seed: UInt64) throws {
        let served = try ServedAPI(try Binary())
        let good = Array(
            Self.request("POST", Self.path, ServedAPI.traceflow("y")).utf8)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            // A body that is longer than it was would be waited for.
            let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? bytes.count
            guard String(decoding: bytes[..<end], as: UTF8.self).contains(/Content-Length: \d+\r/),
                let length = String(decoding: bytes[..<end], as: UTF8.self)
                    .firstMatch(of: /Content-Length: (\d+)\r/).flatMap({ Int($0.output.1) }),
                length <= bytes.count - end
            else { continue }
            _ = served.client.send(bytes)
        }
        #expect(served.process.isRunning)
        #expect(try served.ask("GET", "/healthz").body == "ok")
    }
}
