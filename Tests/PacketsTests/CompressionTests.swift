import Foundation
import Testing

@testable import Packets

/// Capture files that were compressed, by the programs that people have.
struct CompressionTests {
    private func filtered(_ program: String, _ bytes: [UInt8]) throws -> [UInt8] {
        let folder = NSTemporaryDirectory() + "compressed-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/in"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "\(program) < '\(folder)/in' > '\(folder)/out'"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(program)")
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/out")))
    }

    private static let plain = Capture.pcap(
        (0..<50).map { _ in Capture.ethernet(Capture.ipv4(6, Capture.tcp(2))) })

    private static let programs = [
        "gzip", "gzip -1", "lz4", "lz4 -9 -BD", "lz4 -B4 --content-size", "lz4 --no-frame-crc",
    ]

    @Test(arguments: programs) func aCompressedFileIsReadAsWhatItExpandsTo(program: String) throws {
        let read = try PacketFile.read(bytes: filtered(program, Self.plain), file: "f")
        let plain = try PacketFile.read(bytes: Self.plain, file: "f")
        #expect(read.records == plain.records)
    }

    @Test(arguments: ["gzip", "lz4"]) func severalOnesBehindEachOtherAreOne(
        program: String
    ) throws {
        let half = Self.plain.count / 2
        var bytes = try filtered(program, Array(Self.plain[..<half]))
        if program == "lz4" { bytes += [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9] }
        bytes += try filtered(program, Array(Self.plain[half...]))
        #expect(try PacketFile.read(bytes: bytes, file: "f").records.count == 50)
    }

    @Test(arguments: programs) func aCutOrDamagedFileIsRefusedWithItsByte(program: String) throws {
        let bytes = try filtered(program, Self.plain)
        for count in stride(from: 4, to: bytes.count, by: 7) {
            #expect {
                try PacketFile.read(bytes: Array(bytes[..<count]), file: "f")
            } throws: {
                ($0 as? PacketFileError).map { $0.byteOffset <= count } ?? false
            }
        }
        var wrong = bytes
        wrong[bytes.count / 2] ^= 0x10
        // LZ4 without checksums may take it for other content.
        if program.contains("no-frame-crc") { return }
        #expect {
            try PacketFile.read(bytes: wrong, file: "f")
        } throws: {
            "\($0)".contains("f: byte ")
        }
    }

    @Test(arguments: ["gzip", "lz4"]) func aBombIsRefusedBeforeItGoesOff(program: String) throws {
        let bytes = try filtered(program, [UInt8](repeating: 0, count: 30 << 20))
        let compression = try #require(Compression(of: bytes))
        #expect(try compression.expand(bytes, file: "f", limit: 30 << 20).count == 30 << 20)
        #expect {
            try compression.expand(bytes, file: "f", limit: 30 << 20 - 1)
        } throws: {
            "\($0)".contains("expands to more than")
        }
    }

    @Test func aFaultWithinIsCountedInWhatTheFileExpandsTo() throws {
        let bytes = try filtered("gzip", Array(Self.plain.dropLast(3)))
        #expect {
            try PacketFile.read(bytes: bytes, file: "f")
        } throws: {
            "\($0)".contains("(counted in what the file expands to)")
        }
    }

    @Test func whatIsCompressedTwiceOrFollowedByOtherThingsIsRefused() throws {
        let once = try filtered("gzip", Self.plain)
        #expect {
            try PacketFile.read(bytes: filtered("gzip", once), file: "f")
        } throws: {
            "\($0)".contains("compressed twice")
        }
        #expect(throws: PacketFileError.self) {
            try PacketFile.read(bytes: once + [1, 2, 3], file: "f")
        }
        // Padding is none.
        #expect(
            try PacketFile.read(bytes: once + [0, 0, 0], file: "f").records.count == 50)
    }
}
