import Foundation
import Testing

@testable import JobLog

/// Threads that wait hear of what is written to a folder.
struct FolderWatchTests {
    private let folder = NSTemporaryDirectory() + "watched-" + UUID().uuidString

    /// A wait that hears nothing takes so long, and fails the test by what it returns.
    private static let patience: Int64 = 10_000

    private func write(_ name: String) throws {
        try Data([1]).write(to: URL(fileURLWithPath: folder + "/" + name))
    }

    private func watched() throws -> FolderWatch {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        return try #require(FolderWatch(folder))
    }

    @Test func everyWriteIsHeardOfHoweverManyCameBefore() throws {
        let watch = try watched()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for number in 0..<5 {
            // Several at once are one.
            try write("a\(number)")
            try write("b\(number)")
            #expect(watch.wait(milliseconds: Self.patience, isClose: false), "\(number)")
        }
    }

    @Test func whatIsWrittenWhileNobodyWaitsForItIsToldAfterwards() throws {
        let watch = try watched()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write("a")
        #expect(watch.wait(milliseconds: 0, isClose: true))
        try write("b")
        #expect(watch.wait(milliseconds: Self.patience, isClose: false))
    }

    @Test func aPokeEndsAWaitAndIsNoWrite() throws {
        let watch = try watched()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        watch.poke()
        #expect(!watch.wait(milliseconds: Self.patience, isClose: true))
    }

    @Test func aFolderThatIsGoneAndComesBackIsWatchedAgain() throws {
        let watch = try watched()
        try FileManager.default.removeItem(atPath: folder)
        // Told of its end, and then unable to watch: it gives up soon.
        while watch.wait(milliseconds: Self.patience, isClose: false) {}
        _ = try watched()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(watch.wait(milliseconds: Self.patience, isClose: false))
        try write("a")
        #expect(watch.wait(milliseconds: Self.patience, isClose: false))
    }
}
