import Foundation
import Glibc

/// Asks an HTTP server on loopback, over a plain socket.
struct LoopbackClient {
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    let port: UInt16

    /// Nil when nobody answers.
    func ask(
        _ method: String, _ path: String, body: String = "", headers: [String: String] = [:]
    ) -> Answer? {
        var lines = headers
        lines["Host"] = lines["Host"] ?? "localhost"
        lines["Connection"] = "close"
        lines["Content-Length"] = String(body.utf8.count)
        let head = lines.map { "\($0.key): \($0.value)\r\n" }.joined()
        return send(Array("\(method) \(path) HTTP/1.1\r\n\(head)\r\n\(body)".utf8))
    }

    /// Sends bytes as they are, and reads until the server closes or has sent what it announced.
    func send(_ bytes: [UInt8]) -> Answer? {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return nil }
        // A server that refuses may close before it has read all.
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(handle, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            sent += count
        }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(handle, &chunk, chunk.count, 0), count > 0 {
            received += chunk[..<count]
        }
        return Self.answer(String(decoding: received, as: UTF8.self))
    }

    private static func answer(_ text: String) -> Answer? {
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        return status.map {
            Answer(status: $0, headers: headers, body: String(text[end.upperBound...]))
        }
    }
}
