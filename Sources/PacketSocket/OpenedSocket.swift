import CPacketSocket
import Foundation
import Glibc
import Packets
import Synchronization

/// A socket that is bound to an interface, and lets nothing through yet.
struct OpenedSocket: Sendable {
    let interface: InterfaceAddress
    let socket: Int32
    let waker: Int32
    let link: LinkType
    let isLoopback: Bool

    /// Hardware types of interfaces (linux/if_arp.h).
    private enum Hardware {
        static let ethernet: UInt16 = 1
        static let loopback: UInt16 = 772
        /// Tunnels that carry IP and nothing before it.
        static let rawIP: Set<UInt16> = [519, 65534]
    }

    static func open(
        _ interface: InterfaceAddress, bufferBytes: Int32
    ) throws -> OpenedSocket {
        guard let path = interface.namespacePath else {
            return try openHere(interface, bufferBytes)
        }
        // The thread that enters a namespace never comes back: it ends.
        let box = ResultBox()
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            box.put(
                Result {
                    try enter(path, for: interface)
                    return try openHere(interface, bufferBytes)
                })
            ended.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
        ended.wait()
        return try box.get(interface)
    }

    /// Lets through what the filter does, and nothing from before.
    func listen(_ filter: PacketFilter) throws {
        try drain()
        try Self.attach(filter, to: socket, interface)
    }

    private static func openHere(
        _ interface: InterfaceAddress, _ bufferBytes: Int32
    ) throws -> OpenedSocket {
        let socket = cps_open()
        guard socket >= 0 else { throw refusal(-socket, interface) }
        var isKept = false
        defer { if !isKept { close(socket) } }
        try attach(.nothing, to: socket, interface)
        var (index, type): (Int32, UInt16) = (0, 0)
        let found = cps_interface(socket, interface.name, &index, &type)
        guard found == 0 else {
            guard found == -ENODEV else {
                throw PacketSocketError.system(-found, at: interface, "it cannot be looked at")
            }
            throw PacketSocketError(
                .noInterface, at: "\(interface)",
                "no such interface; `ip link` lists those of a network namespace")
        }
        guard let link = link(of: type) else {
            throw PacketSocketError(
                .unsupportedLink, at: "\(interface)",
                "frames of its kind (ARPHRD \(type)) are not understood; take an interface of"
                    + " Ethernet or a tunnel of plain IP")
        }
        for result in [cps_configure(socket, bufferBytes), cps_bind(socket, index)]
        where result != 0 {
            throw PacketSocketError.system(-result, at: interface, "it cannot be listened to")
        }
        let waker = cps_make_waker()
        guard waker >= 0 else {
            throw PacketSocketError.system(-waker, at: interface, "it cannot be waited for")
        }
        isKept = true
        return OpenedSocket(
            interface: interface, socket: socket, waker: waker, link: link,
            isLoopback: type == Hardware.loopback)
    }

    private static func link(of type: UInt16) -> LinkType? {
        switch type {
        case Hardware.ethernet, Hardware.loopback: .ethernet
        case _ where Hardware.rawIP.contains(type): .rawIP
        default: nil
        }
    }

    private static func attach(
        _ filter: PacketFilter, to socket: Int32, _ interface: InterfaceAddress
    ) throws {
        let program = filter.instructions.map {
            cps_instruction(
                code: $0.code, jump_true: $0.jumpTrue, jump_false: $0.jumpFalse,
                operand: $0.operand)
        }
        let result = program.withUnsafeBufferPointer {
            cps_attach_filter(socket, $0.baseAddress, UInt16(clamping: $0.count))
        }
        guard result == 0 else {
            throw PacketSocketError.system(-result, at: interface, "the kernel refuses the filter")
        }
    }

    /// Nothing can be there, as long as the kernel keeps its word on protocol 0 and the filter.
    private func drain() throws {
        var byte: UInt8 = 0
        var packet = cps_packet()
        for _ in 0..<Self.drainedMax {
            let result = cps_receive(socket, &byte, 1, &packet)
            if result == -EAGAIN { return }
            // An interface that is down says so first.
            if result != 0 { throw failure(-result) }
        }
        throw PacketSocketError(
            .system, at: "\(interface)", "packets come in spite of a filter that takes none")
    }

    private static let drainedMax = 100_000

    /// What is wrong with the interface when packets cannot be received.
    func failure(_ code: Int32) -> PacketSocketError {
        guard code == ENETDOWN || code == ENODEV || code == ENXIO else {
            return .system(code, at: interface, "packets cannot be received")
        }
        var (index, type): (Int32, UInt16) = (0, 0)
        if cps_interface(socket, interface.name, &index, &type) != 0 {
            return PacketSocketError(
                .vanished, at: "\(interface)", "the interface is gone; no packets come from it")
        }
        return PacketSocketError(
            .down, at: "\(interface)",
            "the interface is down; set it up with `ip link set \(interface.name) up`")
    }

    private static func enter(_ path: String, for interface: InterfaceAddress) throws {
        let result = cps_enter_namespace(path)
        switch -result {
        case 0: return
        case ENOENT, ENOTDIR:
            throw PacketSocketError(
                .noNamespace, at: "\(interface)",
                "no network namespace at \(path); `ip netns` lists those with names")
        case EINVAL:
            throw PacketSocketError(
                .noNamespace, at: "\(interface)", "\(path) is no network namespace")
        case EPERM, EACCES:
            throw PacketSocketError(
                .noPermission, at: "\(interface)",
                "entering a network namespace needs CAP_SYS_ADMIN; run as root or"
                    + " `setcap cap_net_raw,cap_sys_admin+ep tracectl`")
        default:
            throw PacketSocketError.system(
                -result, at: interface, "\(path) cannot be entered")
        }
    }

    private static func refusal(_ code: Int32, _ interface: InterfaceAddress) -> PacketSocketError {
        switch code {
        case EPERM, EACCES:
            PacketSocketError(
                .noPermission, at: "\(interface)",
                "needs CAP_NET_RAW; run as root or `setcap cap_net_raw+ep tracectl`")
        case ENOSYS, EAFNOSUPPORT:
            PacketSocketError(
                .noPacketSockets, at: "\(interface)",
                "this system has no packet sockets: packets of interfaces are had on Linux alone,"
                    + " elsewhere from a file")
        default: .system(code, at: interface, "no packet socket can be opened")
        }
    }
}

/// What one thread leaves for another.
private final class ResultBox: Sendable {
    private let result = Mutex<Result<OpenedSocket, any Error>?>(nil)

    func put(_ new: Result<OpenedSocket, any Error>) { result.withLock { $0 = new } }

    func get(_ interface: InterfaceAddress) throws -> OpenedSocket {
        guard let result = result.withLock({ $0 }) else {
            throw PacketSocketError(.system, at: "\(interface)", "its thread left nothing")
        }
        return try result.get()
    }
}

extension PacketSocketError {
    /// What the system says, in its words.
    static func system(
        _ code: Int32, at interface: InterfaceAddress, _ why: String
    ) -> PacketSocketError {
        PacketSocketError(.system, at: "\(interface)", "\(why): \(String(cString: strerror(code)))")
    }
}
