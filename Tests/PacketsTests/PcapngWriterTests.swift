import Testing

@testable import Packets

/// What is written is what is read.
struct PcapngWriterTests {
    @Test func packetsComeBackWithTheirTimesTheirInterfacesAndWhatIsSaidOfThem() throws {
        var writer = PcapngWriter()
        writer.section(application: "test")
        writer.interface(name: "n1/web", link: .ethernet, snaplen: 0)
        writer.interface(name: "n2/db", link: .rawIP, snaplen: 96)
        let records = (0..<100).map { number in
            PacketFile.Record(
                frame: PacketFrame(
                    nanoseconds: 1_790_000_000_123_456_789 + Int64(number),
                    link: number % 2 == 0 ? .ethernet : .rawIP,
                    bytes: (0..<number).map { UInt8($0) }[...],
                    originalLength: number % 3 == 0 ? number : number + 1000),
                interface: number % 2 == 0 ? "n1/web" : "n2/db",
                comment: number % 5 == 0 ? "" : String(repeating: "é", count: number))
        }
        for (number, record) in records.enumerated() {
            writer.packet(
                interface: UInt32(number % 2), record.frame, comment: record.comment)
        }
        let file = try PacketFile.read(bytes: writer.bytes, file: "t.pcapng")
        #expect(file.records == records)
        #expect(file.skipped == 0)
    }

    @Test func aSecondSectionNumbersItsInterfacesAnew() throws {
        var writer = PcapngWriter()
        for name in ["a", "b"] {
            writer.section(application: "test")
            writer.interface(name: name, link: .ethernet, snaplen: 0)
            writer.packet(
                interface: 0, PacketFrame(nanoseconds: 5, link: .ethernet, bytes: [1, 2, 3]))
        }
        let file = try PacketFile.read(bytes: writer.bytes, file: "t.pcapng")
        #expect(file.records.map(\.interface) == ["a", "b"])
    }

    @Test func whatIsSaidAndNamedIsBounded() throws {
        var writer = PcapngWriter()
        let long = String(repeating: "x", count: 100_000)
        writer.section(application: "test")
        writer.interface(name: long, link: .ethernet, snaplen: 0)
        writer.packet(
            interface: 0, PacketFrame(nanoseconds: 0, link: .ethernet, bytes: []), comment: long)
        #expect(writer.count < 6000)
        let read = try PacketFile.read(bytes: writer.bytes, file: "t.pcapng").records
        #expect(read.first?.comment.count == PcapngWriter.commentBytesMax)
    }
}
