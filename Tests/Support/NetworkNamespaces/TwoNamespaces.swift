import CPacketSocket
import Foundation
import Glibc
import Synchronization

/// Two network namespaces of this host, joined by a veth pair: `v0` in the one, `v1` in the other.
///
/// They vanish with the value. Needs root, and `ip` of Debian's iproute2.
public final class TwoNamespaces: Sendable {
    /// Why a program did not do what it was asked to.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        public init(_ description: String) { self.description = description }
    }

    public let a: String
    public let b: String

    /// Whether namespaces can be made here.
    public static var areThere: Bool { geteuid() == 0 && ip != nil }

    private static let ip = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// The addresses are of one network: 10.99.0.1 and .2, fd99::1 and ::2 unless said otherwise.
    public init(
        addresses: (a: [String], b: [String]) = (
            ["10.99.0.1/24", "fd99::1/64"], ["10.99.0.2/24", "fd99::2/64"]
        )
    ) throws {
        let stem = "tracectl-test-\(getpid())-\(UUID().uuidString.prefix(8))"
        (a, b) = (stem + "-a", stem + "-b")
        for name in [a, b] {
            try ip("netns", "add", name)
            try inside(name, "link", "set", "lo", "up")
        }
        try ip("link", "add", "v0", "netns", a, "type", "veth", "peer", "name", "v1", "netns", b)
        try give(addresses.a, to: "v0", in: a)
        try give(addresses.b, to: "v1", in: b)
        try awaitQueue(of: "v0", in: a)
        try awaitQueue(of: "v1", in: b)
    }

    /// Until the kernel has seen that both ends are up, packets are dropped and said to be sent.
    private func awaitQueue(of interface: String, in namespace: String) throws {
        let looks = "ip link show \(interface)"
        let script =
            "for i in {1..2000}; do case $(\(looks)) in"
            + " *noop*) ;; *'state UP'*) exit 0;; esac; done; exit 1"
        let process = try shell(namespace, script)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("\(interface) does not come up: \(looks)")
        }
    }

    deinit {
        for name in [a, b] { try? ip("netns", "delete", name) }
    }

    /// Addresses, and sets it up.
    public func give(_ addresses: [String], to interface: String, in namespace: String) throws {
        for address in addresses {
            // Nobody else has it: there is no need to ask around and wait.
            let more = address.contains(":") ? ["nodad"] : []
            try inside(namespace, ["address", "add", address, "dev", interface] + more)
        }
        try inside(namespace, "link", "set", interface, "up")
    }

    public func inside(_ namespace: String, _ arguments: String...) throws {
        try inside(namespace, arguments)
    }

    private func inside(_ namespace: String, _ arguments: [String]) throws {
        try ip(["-netns", namespace] + arguments)
    }

    /// What the shell does in a namespace; `> /dev/udp/ADDRESS/PORT` sends.
    public func shell(_ namespace: String, _ script: String) throws -> Process {
        guard let path = Self.ip else { throw Failure("ip is missing") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["netns", "exec", namespace, "/bin/bash", "-c", script]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Sends a datagram for each port, in their order, and returns when they were sent.
    public func send(udp ports: [Int], from namespace: String, to address: String) throws {
        let lines = ports.map { "echo x > /dev/udp/\(address)/\($0)" }
        try shell(namespace, lines.joined(separator: "\n")).waitUntilExit()
    }

    /// Asks for a connection, which nobody may be there to accept.
    public func connect(tcp port: Int, from namespace: String, to address: String) throws {
        try shell(namespace, "exec 3<> /dev/tcp/\(address)/\(port)").waitUntilExit()
    }

    /// Puts a frame on a link as it is.
    public func send(frame: [UInt8], on interface: String, of namespace: String) throws {
        let box = Box()
        let ended = DispatchSemaphore(value: 0)
        // The thread ends in the namespace.
        Thread {
            box.result.withLock { $0 = Self.send(frame, interface, "/run/netns/" + namespace) }
            ended.signal()
        }.start()
        ended.wait()
        guard box.result.withLock({ $0 }) == frame.count else { throw Failure("not sent") }
    }

    private static func send(_ frame: [UInt8], _ interface: String, _ namespace: String) -> Int {
        guard cps_enter_namespace(namespace) == 0 else { return -1 }
        let socket = cps_open()
        defer { close(socket) }
        var (index, type): (Int32, UInt16) = (0, 0)
        guard cps_interface(socket, interface, &index, &type) == 0,
            cps_bind(socket, index) == 0
        else { return -1 }
        return write(socket, frame, frame.count)
    }

    private func ip(_ arguments: String...) throws { try ip(arguments) }

    private func ip(_ arguments: [String]) throws {
        guard let path = Self.ip else { throw Failure("ip is missing") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                "ip \(arguments.joined(separator: " ")): "
                    + String(decoding: said, as: UTF8.self))
        }
    }
}

private final class Box: Sendable {
    let result = Mutex(0)
}
