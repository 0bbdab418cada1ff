import Glibc
import Synchronization
import Worker

/// A client of the API over a plain socket.
struct Connection: Sendable {
    let handle: Int32

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        return address
    }

    init(_ port: UInt16) throws {
        handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw BenchError("the API cannot be reached") }
    }

    /// Asks for Traceflows.
    func get(_ query: String, accept: String = "application/json", closes: Bool = false) throws {
        let request =
            "GET /apis/crd.antrea.io/v1beta1/traceflows\(query) HTTP/1.1\r\nHost: localhost\r\n"
            + "Accept: \(accept)\r\n" + (closes ? "Connection: close\r\n" : "") + "\r\n"
        guard send(handle, request, request.utf8.count, Int32(MSG_NOSIGNAL)) > 0 else {
            throw BenchError("the API cannot be asked")
        }
    }

    /// Waits until the server begins to answer.
    func awaitAnswer() throws {
        var byte: UInt8 = 0
        guard recv(handle, &byte, 1, Int32(MSG_PEEK)) == 1 else {
            throw BenchError("the API does not answer")
        }
    }

    /// Reads all there is until the server closes; how many bytes.
    func drain() -> Int {
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var sum = 0
        while case let count = recv(handle, &chunk, chunk.count, 0), count > 0 { sum += count }
        close(handle)
        return sum
    }
}

/// Reads what watchers are sent, and when each event reaches them.
///
/// Of those that are not sampled the bytes are taken off the socket and thrown away: what a client
/// makes of them is its own affair.
final class Arrivals: Sendable {
    private let connections: [Connection]
    private let sampled: Int
    private let isStopped = Atomic(false)
    private let seenSoFar = Atomic(0)
    private let outcome = Mutex<(seen: [(position: Int64, at: Int64)], bytes: Int)>(([], 0))

    private static let mark = Array(#""resourceVersion":""#.utf8)

    init(_ connections: [Connection], sampled: Int) {
        self.connections = connections
        self.sampled = sampled
    }

    var result: (seen: [(position: Int64, at: Int64)], bytes: Int) { outcome.withLock { $0 } }

    /// Events that have reached a watcher so far.
    var seenCount: Int { seenSoFar.load(ordering: .relaxed) }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Reads until it is stopped, and closes the connections.
    func read() {
        var polled = connections.map { pollfd(fd: $0.handle, events: Int16(POLLIN), revents: 0) }
        var chunk = [UInt8](repeating: 0, count: 1 << 18)
        var tails = [[UInt8]](repeating: [], count: sampled)
        var seen: [(position: Int64, at: Int64)] = []
        var bytes = 0
        while !isStopped.load(ordering: .relaxed) {
            guard poll(&polled, nfds_t(polled.count), 20) > 0 else { continue }
            for place in polled.indices where polled[place].revents != 0 {
                let isSampled = place < sampled
                let flags = Int32(isSampled ? MSG_DONTWAIT : MSG_DONTWAIT | MSG_TRUNC)
                let count = recv(polled[place].fd, &chunk, chunk.count, flags)
                if count <= 0 {
                    polled[place].fd = -1
                    continue
                }
                bytes += count
                guard isSampled else { continue }
                let now = Clock.system.now().microseconds
                Self.positions(tails[place] + chunk[..<count], &tails[place]) {
                    seen.append(($0, now))
                }
                seenSoFar.store(seen.count, ordering: .relaxed)
            }
        }
        for connection in connections { close(connection.handle) }
        outcome.withLock { $0 = (seen, bytes) }
    }

    /// The positions that the bytes name; what may be the beginning of one is left for the next.
    private static func positions(
        _ bytes: [UInt8], _ tail: inout [UInt8], _ body: (Int64) -> Void
    ) {
        var kept = max(0, bytes.count - 64)
        // By hand, since whoever measures must not be waited for.
        bytes.withUnsafeBytes { all in
            var place = 0
            while place + mark.count <= all.count {
                guard all[place] == mark[0], all[place + 1] == mark[1],
                    all[place..<place + mark.count].elementsEqual(mark)
                else {
                    place += 1
                    continue
                }
                let begin = place
                var number: Int64 = 0
                place += mark.count
                while place < all.count, (48...57).contains(all[place]) {
                    number = number * 10 + Int64(all[place] - 48)
                    place += 1
                }
                if place == all.count {
                    kept = begin
                    return
                }
                body(number)
                kept = max(kept, place)
            }
        }
        tail = Array(bytes[kept...])
    }
}
