import Foundation
import Packets
import Testing
import Traceflow

@testable import Captures

/// A folder of its own for each test, and what is put there.
final class CaptureFolder {
    let path: String
    /// Up to where the log speaks of captures, by file.
    var promised: [Int64: Int64] = [:]
    var seconds: Int64 = Int64(Date().timeIntervalSince1970)

    init() {
        path = NSTemporaryDirectory() + "captures-\(UUID().uuidString)/c"
    }

    deinit { try? FileManager.default.removeItem(atPath: path + "/..") }

    /// Files that were pushed, and the highest number of one that is gone.
    var closed: Set<Int64> = []
    var highest: Int64 = 0

    /// What the log of the test knows.
    private struct Known: CaptureIndex {
        unowned let folder: CaptureFolder

        func promisedEnd(ofFile file: Int64) -> Int64 { folder.promised[file] ?? 0 }
        func isClosed(_ file: Int64) -> Bool { folder.closed.contains(file) }
        func highestFile() -> Int64 { folder.highest }
    }

    func writer(_ limits: CaptureWriter.Limits = .init()) throws -> CaptureWriter {
        try CaptureWriter(
            folder: path, limits: limits, now: { [unowned self] in seconds },
            index: Known(folder: self))
    }

    func file(_ number: Int64) -> URL {
        URL(fileURLWithPath: path + "/" + ArchivedCapture.fileName(number))
    }

    func bytes(_ number: Int64) throws -> [UInt8] { [UInt8](try Data(contentsOf: file(number))) }

    func write(_ bytes: some Sequence<UInt8>, to number: Int64) throws {
        try Data(bytes).write(to: file(number))
    }

    /// A capture of so many packets, different for each seed.
    static func capture(_ seed: Int, packets: Int, bytes: Int = 90) -> [SeenPacket] {
        (0..<packets).map { number in
            let frame = PacketFrame(
                nanoseconds: 1_790_000_000_000_000_000 + Int64(seed * 1000 + number),
                link: number % 7 == 6 ? .rawIP : .ethernet,
                bytes: (0..<bytes).map {
                    UInt8(truncatingIfNeeded: $0 % 3 == 0 ? $0 &* seed &+ number : $0)
                }[...],
                originalLength: bytes + number % 2)
            return SeenPacket(
                frame: frame, interface: "node-\(number % 3)/pod-\(seed % 5)",
                comment: "trace \(seed) packet \(number)")
        }
    }

    func check(_ archived: ArchivedCapture, is capture: [SeenPacket]) throws {
        let read = try CaptureReader(folder: path).packets(of: archived)
        #expect(
            read.map { SeenPacket(frame: $0.frame, interface: $0.interface, comment: $0.comment) }
                == capture)
    }

    @discardableResult
    func archive(_ captures: [[SeenPacket]]) throws -> [ArchivedCapture] {
        let writer = try writer()
        for capture in captures { try writer.add(capture) }
        return try writer.commit()
    }
}

struct CaptureArchiveTests {
    let folder = CaptureFolder()

    @Test func capturesComeBackAsTheyWereWhicheverFramesTheyLieIn() throws {
        let captures = (1...60).map {
            CaptureFolder.capture($0, packets: $0 * $0 % 900 + 1, bytes: $0 * 37 % 1500)
        }
        let writer = try folder.writer()
        var archived: [ArchivedCapture] = []
        for (number, capture) in captures.enumerated() {
            try writer.add(capture)
            if number % 7 == 3 { archived += try writer.commit() }
        }
        archived += try writer.commit()
        #expect(archived.count == captures.count)
        #expect(archived.map(\.packets) == captures.map(\.count))
        for (where_, capture) in zip(archived, captures) { try folder.check(where_, is: capture) }
        #expect(archived.contains { $0.length > Int64(CaptureFrames.contentBytes) })
    }

    @Test func packetsLongerThanAFrameHaveOneOfTheirOwn() throws {
        let capture = CaptureFolder.capture(3, packets: 5, bytes: 65_535)
        let archived = try folder.archive([capture, CaptureFolder.capture(4, packets: 2)])
        try folder.check(archived[0], is: capture)
        try folder.check(archived[1], is: CaptureFolder.capture(4, packets: 2))
    }

    @Test func captureFilesAreForTheirOwnerAlone() throws {
        try folder.archive([CaptureFolder.capture(1, packets: 1)])
        let file = try FileManager.default.attributesOfItem(atPath: folder.file(1).path)
        #expect(file[.posixPermissions] as? Int == 0o600)
        let parent = try FileManager.default.attributesOfItem(atPath: folder.path)
        #expect(parent[.posixPermissions] as? Int == 0o700)
    }

    @Test func whoComesNextGoesOnInTheSameFile() throws {
        let captures = (1...5).map { CaptureFolder.capture($0, packets: 3) }
        let archived = try captures.map { try folder.archive([$0])[0] }
        #expect(Set(archived.map(\.file)) == [1])
        for (where_, capture) in zip(archived, captures) { try folder.check(where_, is: capture) }
    }

    @Test func twoWritersHaveTwoFiles() throws {
        let (a, b) = (try folder.writer(), try folder.writer())
        for (writer, seed) in [(a, 1), (b, 2), (a, 3)] {
            let capture = CaptureFolder.capture(seed, packets: 2)
            try writer.add(capture)
            let archived = try writer.commit()
            #expect(archived.map(\.file) == [seed == 2 ? 2 : 1])
            try folder.check(archived[0], is: capture)
        }
    }

    @Test func aFileThatIsLargeOrOldEnoughIsNotAddedTo() throws {
        let writer = try folder.writer(.init(fileBytes: 500, fileSeconds: 60))
        func file(_ seed: Int, bytes: Int = 10) throws -> Int64 {
            try writer.add(CaptureFolder.capture(seed, packets: 1, bytes: bytes))
            return try #require(try writer.commit().first).file
        }
        #expect(try file(1) == 1)
        #expect(try file(2, bytes: 2000) == 1)
        #expect(try file(3) == 2)
        folder.seconds += 61
        #expect(try file(4) == 3)
    }

    @Test func aTornEndIsCutBackWhereverItWasTorn() throws {
        let first = CaptureFolder.capture(1, packets: 40)
        let kept = try folder.archive([first])[0]
        let whole = try folder.bytes(1)
        folder.promised[1] = Int64(whole.count)
        try folder.archive([CaptureFolder.capture(2, packets: 9)])
        let bytes = try folder.bytes(1)
        for end in whole.count + 1..<bytes.count {
            // Cut, or full of zeros from there on, or of what was there before.
            for tail in [[], [UInt8](repeating: 0, count: bytes.count - end)] {
                try folder.write(bytes[..<end] + tail, to: 1)
                let writer = try folder.writer()
                let third = CaptureFolder.capture(3, packets: 2)
                try writer.add(third)
                let archived = try writer.commit()
                let torn = folder.file(1).path
                #expect(
                    writer.repairs == [
                        .cut(path: torn, from: Int64(end + tail.count), to: Int64(whole.count))
                    ])
                #expect(try Array(folder.bytes(1).prefix(whole.count)) == whole)
                try folder.check(kept, is: first)
                try folder.check(archived[0], is: third)
            }
        }
    }

    @Test func whatTheLogPromisedIsNeverCutOff() throws {
        let captures = (1...3).map { CaptureFolder.capture($0, packets: 3) }
        let archived = try captures.map { try folder.archive([$0])[0] }
        var bytes = try folder.bytes(1)
        folder.promised[1] = Int64(bytes.count)
        bytes[Int(archived[1].frame) + 30] ^= 1
        try folder.write(bytes, to: 1)
        let writer = try folder.writer()
        try writer.add(captures[0])
        #expect(try writer.commit().map(\.file) == [2])
        #expect(
            writer.repairs == [.left(path: folder.file(1).path, at: archived[1].frame)])
        #expect(try folder.bytes(1) == bytes)
        try folder.check(archived[0], is: captures[0])
        #expect(throws: CaptureError.self) {
            try CaptureReader(folder: folder.path).packets(of: archived[1])
        }
        try folder.check(archived[2], is: captures[2])
    }

    @Test func aByteThatChangesIsFoundOutOrChangesNothing() throws {
        let capture = CaptureFolder.capture(1, packets: 3, bytes: 20)
        let archived = try folder.archive([capture])[0]
        let bytes = try folder.bytes(1)
        var found = 0
        for place in Int(archived.frame)..<bytes.count {
            var changed = bytes
            changed[place] ^= 0x11
            try folder.write(changed, to: 1)
            do {
                // Some bits of LZ4's last token mean nothing.
                try folder.check(archived, is: capture)
            } catch is CaptureError {
                found += 1
            }
        }
        #expect(found > bytes.count - Int(archived.frame) - 8)
    }

    @Test func recordsThatSpeakOfWhatIsNotThereAreErrors() throws {
        let archived = try folder.archive([CaptureFolder.capture(1, packets: 3)])[0]
        let changes: [(inout ArchivedCapture) -> Void] = [
            { $0.file = 9 }, { $0.frame = -1 }, { $0.frame = 1 }, { $0.frame = .max },
            { $0.offset = -4 }, { $0.offset = .max }, { $0.offset = 1 << 20 }, { $0.offset += 4 },
            { $0.length = -1 },
            { $0.length = .max }, { $0.length += 4 }, { $0.length -= 4 }, { $0.packets += 1 },
            { $0.checksum ^= 1 }, { $0.interfaces = [] },
        ]
        for (number, change) in changes.enumerated() {
            var wrong = archived
            change(&wrong)
            #expect(throws: CaptureError.self, "\(number)") {
                try CaptureReader(folder: folder.path).packets(of: wrong)
            }
        }
    }

    @Test func aHeaderMaySayAnythingAndNamesMayBeAnyNumber() throws {
        try folder.archive([CaptureFolder.capture(1, packets: 1)])
        var bytes = try folder.bytes(1)
        bytes[15] |= 0x80
        try folder.write(bytes, to: 1)
        try folder.write(bytes, to: .max)
        #expect(try folder.archive([CaptureFolder.capture(2, packets: 1)])[0].file == 2)
    }

    @Test func aFileThatIsRemovedIsNotWrittenToAnyMore() throws {
        let writer = try folder.writer()
        for _ in 1...2 {
            let capture = CaptureFolder.capture(1, packets: 2)
            try writer.add(capture)
            let archived = try #require(try writer.commit().first)
            try folder.check(archived, is: capture)
            try FileManager.default.removeItem(at: folder.file(archived.file))
        }
    }

    @Test func aCaptureWithoutPacketsIsRefused() throws {
        let writer = try folder.writer()
        #expect(throws: CaptureError.self) { try writer.add([]) }
        #expect(try writer.commit() == [])
    }
}

/// What the log knows of files that are elsewhere, or not here any more.
struct ClosedFileTests {
    private let packet = SeenPacket(
        frame: PacketFrame(nanoseconds: 1, link: .ethernet, bytes: [1, 2, 3]), interface: "n/p",
        comment: "c")

    @Test func aClosedFileIsLeftAloneAndAGoneNumberIsNotGivenAgain() throws {
        let folder = CaptureFolder()
        let first = try folder.writer()
        try first.add([packet])
        #expect(try first.commit()[0].file == 1)
        folder.closed = [1]
        let second = try folder.writer()
        try second.add([packet])
        #expect(try second.commit()[0].file == 2)
        try FileManager.default.removeItem(at: folder.file(2))
        folder.highest = 7
        let third = try folder.writer()
        try third.add([packet])
        #expect(try third.commit()[0].file == 8)
    }
}
