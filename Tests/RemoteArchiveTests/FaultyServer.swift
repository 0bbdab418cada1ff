import Foundation
import Glibc
import Synchronization
import TestBinary
import Testing

/// A server on loopback between a store and what it talks to, which does what it was told with the
/// requests that match, once each, and passes on the others. Checks each request's signature.
final class FaultyServer: Sendable {
    enum Deed: Sendable {
        case answer(Int, headers: [String] = [], body: String = "")
        /// Closes so that the other side sees a reset.
        case reset
        /// Reads the request and says nothing more.
        case hang
        /// Passes it on; the answer does not get through.
        case loseAnswer
        /// Passes it on; of the answer so many bytes behind its head get through.
        case cutAnswer(bytes: Int)
        case pass
    }

    struct Fault: Sendable {
        /// What the request line begins with, as `PUT /bucket`.
        var start: String
        /// What the request line holds.
        var part = ""
        var deed: Deed
    }

    struct Request: Sendable {
        var line: String
        var headers: [String: String]
        var body: Data
    }

    let port: Int
    private let listener: Int32
    private let upstream: Int?
    private let secret: String?
    private let faults: Mutex<[Fault]>
    private let taken = Mutex<[Request]>([])

    var requests: [Request] { taken.withLock { $0 } }
    /// The faults that nothing has met.
    var unmet: Int { faults.withLock { $0.count } }

    func lines(_ start: String) -> [String] { requests.map(\.line).filter { $0.hasPrefix(start) } }

    func add(_ fault: Fault) { faults.withLock { $0.append(fault) } }

    init(_ faults: [Fault] = [], upstream: Int? = nil, secret: String? = nil) throws {
        (listener, port) = try Loopback.listen()
        self.upstream = upstream
        self.secret = secret
        self.faults = Mutex(faults)
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let server = self else {
                    Glibc.close(connection)
                    Glibc.close(listener)
                    return
                }
                Thread.detachNewThread { server.serve(connection) }
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        defer { Glibc.close(connection) }
        guard let request = Self.read(connection) else { return }
        taken.withLock { $0.append(request) }
        let words = request.line.split(separator: " ").map(String.init)
        if let secret, words.count == 3 {
            let signature = Signature(method: words[0], target: words[1], headers: request.headers)
            if let fault = signature.fault(secret: secret) {
                Issue.record("\(request.line): \(fault)")
            }
        }
        let deed = faults.withLock { faults -> Deed in
            let index = faults.firstIndex {
                request.line.hasPrefix($0.start)
                    && ($0.part.isEmpty || request.line.contains($0.part))
            }
            return index.map { faults.remove(at: $0).deed } ?? .pass
        }
        switch deed {
        case .answer(let status, let headers, let body):
            let head =
                ["HTTP/1.1 \(status) X", "Connection: close"] + headers
                + ["Content-Length: \(body.utf8.count)", "", ""]
            let isHead = request.line.hasPrefix("HEAD")
            Self.send(
                connection, Data((head.joined(separator: "\r\n") + (isHead ? "" : body)).utf8))
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                connection, SOL_SOCKET, SO_LINGER, &linger,
                socklen_t(MemoryLayout.size(ofValue: linger)))
        case .hang:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
        case .loseAnswer: _ = pass(request)
        case .cutAnswer(let bytes):
            if let answer = pass(request), let end = answer.range(of: Data("\r\n\r\n".utf8)) {
                Self.send(connection, answer[..<end.upperBound])
                Self.send(connection, answer[end.upperBound...].prefix(bytes))
            }
        case .pass: if let answer = pass(request) { Self.send(connection, answer) }
        }
    }

    /// Nil when there is nothing to pass it on to, or no answer.
    private func pass(_ request: Request) -> Data? {
        guard let upstream, let connection = try? Loopback.connect(port: upstream) else {
            return nil
        }
        defer { Glibc.close(connection) }
        var head = request.line + "\r\nconnection: close\r\n"
        for (name, value) in request.headers where name != "expect" && name != "connection" {
            head += "\(name): \(value)\r\n"
        }
        Self.send(connection, Data((head + "\r\n").utf8))
        Self.send(connection, request.body)
        var answer = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return answer.isEmpty ? nil : answer }
            answer += chunk[..<count]
        }
    }

    private static func send(_ connection: Int32, _ data: Data) {
        data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.send(
                    connection, bytes.baseAddress.map { $0 + done }, bytes.count - done,
                    Int32(MSG_NOSIGNAL))
                guard count > 0 else { return }
                done += count
            }
        }
    }

    private static func read(_ connection: Int32) -> Request? {
        var data = Data()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var end: Data.Index?
        while end == nil {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            data += chunk[..<count]
            end = data.range(of: Data("\r\n\r\n".utf8))?.upperBound
        }
        guard let end else { return nil }
        let lines = String(decoding: data[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let sides = line.split(separator: ":", maxSplits: 1)
            guard sides.count == 2 else { continue }
            headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
        }
        if headers["expect"] != nil { send(connection, Data("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        var body = Data(data[end...])
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while body.count < length {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            body += chunk[..<count]
        }
        return Request(line: lines[0], headers: headers, body: body)
    }
}
