import Foundation
import Glibc
import Synchronization
import TestBinary

/// Passes bytes on between connections and a server, until a connection has sent so many: then it
/// is cut. The connections after those that were told of are never cut.
final class CuttingRelay: Sendable {
    let port: Int
    private let listener: Int32
    private let upstream: Int
    private let limits: Mutex<[Int]>
    private let connections = Mutex(0)

    var count: Int { connections.withLock { $0 } }

    init(to upstream: Int, cuttingAfter limits: [Int]) throws {
        (listener, port) = try Loopback.listen()
        self.upstream = upstream
        self.limits = Mutex(limits)
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let relay = self else {
                    close(connection)
                    close(listener)
                    return
                }
                relay.serve(connection)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        connections.withLock { $0 += 1 }
        let limit = limits.withLock { $0.isEmpty ? Int.max : $0.removeFirst() }
        guard let server = try? Loopback.connect(port: upstream) else {
            close(connection)
            return
        }
        Thread.detachNewThread {
            Self.pass(from: connection, to: server, limit)
            shutdown(connection, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
        Thread.detachNewThread {
            Self.pass(from: server, to: connection, .max)
            shutdown(connection, Int32(SHUT_RDWR))
            shutdown(server, Int32(SHUT_RDWR))
        }
    }

    private static func pass(from source: Int32, to target: Int32, _ limit: Int) {
        var chunk = [UInt8](repeating: 0, count: 1 << 15)
        var passed = 0
        while passed < limit {
            let count = recv(source, &chunk, min(chunk.count, limit - passed), 0)
            guard count > 0 else { return }
            var done = 0
            while done < count {
                let sent = chunk.withUnsafeBytes { bytes in
                    send(
                        target, bytes.baseAddress.map { $0 + done }, count - done,
                        Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { return }
                done += sent
            }
            passed += count
        }
    }
}
