import Foundation
import Glibc
import Synchronization

/// An HTTP server on loopback that does with each request what it was told, the last for all others.
final class LoopbackServer: Sendable {
    enum Behaviour: Sendable {
        case answer(Int)
        case redirect(to: String, status: Int)
        /// Reads the request and says nothing more.
        case hang
        /// Closes before anything was said.
        case close
    }

    struct Request: Sendable {
        var line: String
        var headers: [String: String]
        var body: String
    }

    let port: Int
    private let listener: Int32
    private let behaviours: Mutex<[Behaviour]>
    private let taken = Mutex<[Request]>([])

    var requests: [Request] { taken.withLock { $0 } }

    init(_ behaviours: [Behaviour]) throws {
        self.behaviours = Mutex(behaviours)
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = handle
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, length) == 0 && listen(handle, 16) == 0
                    && getsockname(handle, $0, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { self.serve() }
    }

    func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            let behaviour = behaviours.withLock { left in
                left.count > 1 ? left.removeFirst() : left[0]
            }
            handle(connection, behaviour)
        }
    }

    private func handle(_ connection: Int32, _ behaviour: Behaviour) {
        if case .close = behaviour {
            Glibc.close(connection)
            return
        }
        guard let request = read(connection) else {
            Glibc.close(connection)
            return
        }
        taken.withLock { $0.append(request) }
        switch behaviour {
        case .answer(let status): say(connection, "HTTP/1.1 \(status) X\r\n")
        case .redirect(let path, let status):
            say(connection, "HTTP/1.1 \(status) X\r\nLocation: \(path)\r\n")
        case .hang: return
        case .close: break
        }
        Glibc.close(connection)
    }

    private func say(_ connection: Int32, _ head: String) {
        let text = head + "Content-Length: 2\r\nConnection: close\r\n\r\nok"
        _ = text.withCString { send(connection, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }

    private func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    if parts.count == 2 {
                        headers[parts[0].lowercased()] =
                            parts[1].trimmingCharacters(in: .whitespaces)
                    }
                }
                let body = String(text[end.upperBound...])
                if body.utf8.count >= Int(headers["content-length"] ?? "0") ?? 0 {
                    return Request(line: lines[0], headers: headers, body: body)
                }
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }
}
