import CPacketSocket
import Foundation
import Glibc
import Packets
import Synchronization

/// Where frames come from as they are seen; one thread takes them.
public protocol FrameSource: Sendable {
    /// The next frame. Blocks until there is one, the time is over, or `wake` was called.
    func next(timeoutMilliseconds: Int) throws -> FrameSourceNews
    /// Ends what waits, now and from now on. May be called on any thread.
    func wake()
}

/// What came of waiting for a frame.
public enum FrameSourceNews: Hashable, Sendable {
    case frame(PacketFrame)
    case nothing
    case woken
}

/// The packets of one interface that a filter lets through, as they come and go (packet(7)).
///
///     opened, takes nothing ──bound behind a filter that lets nothing through──▶ silent
///     silent ──drained, the filter replaced──▶ listening ──interface down or gone──▶ failed
///
/// So no packet is given that came before the filter. A socket stays in the network namespace that
/// it was opened in, which only a thread of its own enters: none that runs tasks.
///
/// Frames are given with the tag that the kernel took out of them, and with the kernel's times. Of
/// loopback, where each packet goes out and comes in, it gives what comes in.
public final class PacketSocket: FrameSource {
    private let opened: OpenedSocket
    private let buffer = Mutex([UInt8](repeating: 0, count: PacketFilter.snaplenMax))
    private let lost = Mutex(0)

    /// Room for a burst while nobody looks; the kernel takes twice as much.
    private static let bufferBytes: Int32 = 8 << 20

    /// Opens the interface for packets that may match, each cut to `snaplen` bytes.
    ///
    /// Needs CAP_NET_RAW, and CAP_SYS_ADMIN for another namespace. Blocks for a moment.
    public init(
        _ interface: InterfaceAddress, passing matches: [PacketMatch], snaplen: Int
    ) throws {
        // Closed by deinit from here on, also when what follows throws.
        opened = try OpenedSocket.open(interface, bufferBytes: Self.bufferBytes)
        let filter = try PacketFilter(passing: matches, on: opened.link, snaplen: snaplen)
        try opened.listen(filter)
    }

    deinit {
        close(opened.socket)
        close(opened.waker)
    }

    public var interface: InterfaceAddress { opened.interface }
    public var link: LinkType { opened.link }

    public func next(timeoutMilliseconds: Int) throws -> FrameSourceNews {
        let news = cps_wait(
            opened.socket, opened.waker, Int32(clamping: max(0, timeoutMilliseconds)))
        if news < 0 { throw opened.failure(-news) }
        if news & 2 != 0 { return .woken }
        guard news & 1 != 0 else { return .nothing }
        return try take().map { .frame($0) } ?? .nothing
    }

    public func wake() { _ = cps_wake(opened.waker) }

    /// Packets that the filter let through and that were lost because nobody took them in time.
    public func drops() -> Int {
        lost.withLock { lost in
            var more: UInt32 = 0
            // The kernel counts from zero after each look.
            if cps_drops(opened.socket, &more) == 0 { lost += Int(more) }
            return lost
        }
    }

    /// The next frame that is there; nil when there is none.
    private func take() throws -> PacketFrame? {
        var packet = cps_packet()
        while true {
            let bytes: [UInt8] = try buffer.withLock { buffer in
                let result = buffer.withUnsafeMutableBytes {
                    cps_receive(opened.socket, $0.baseAddress, $0.count, &packet)
                }
                if result == -EAGAIN { return [] }
                guard result == 0 else { throw opened.failure(-result) }
                return Array(buffer[..<Int(packet.kept)])
            }
            guard !bytes.isEmpty else { return nil }
            if opened.isLoopback, packet.is_outgoing != 0 { continue }
            return frame(packet, bytes)
        }
    }

    private func frame(_ packet: cps_packet, _ kept: [UInt8]) -> PacketFrame {
        var (bytes, length) = (kept, Int(packet.length))
        let addresses = 12
        if packet.has_tag != 0, link == .ethernet, bytes.count >= addresses {
            let tag = [packet.tag_protocol, packet.tag].flatMap {
                [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)]
            }
            bytes.insert(contentsOf: tag, at: addresses)
            length += tag.count
        }
        return PacketFrame(
            nanoseconds: packet.nanoseconds, link: link, bytes: bytes[...], originalLength: length)
    }
}
