import API
import ArgumentParser
import Foundation
import Worker

/// When a worker's log goes on in a new segment, and what becomes of earlier ones.
struct SegmentOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The log goes on in a new segment when the open one is so large (64MiB).",
            valueName: "size"))
    var segmentSize = ByteSize(bytes: SegmentLimits().bytesMax)

    @Option(
        help: ArgumentHelp(
            "The log goes on in a new segment when the open one is so old (12h, 30d).",
            valueName: "age"))
    var segmentAge = Duration64(microseconds: SegmentLimits().ageMaxMicroseconds)

    @Option(
        help: ArgumentHelp(
            "Compress segments that were sealed so long ago (7d); history keeps answering.",
            valueName: "age"))
    var archiveAfter: Duration64?

    @Option(
        help: ArgumentHelp(
            "With --archive-after: where archives go. Default: the log's folder.",
            valueName: "folder"), completion: .directory)
    var archiveTo: String?

    @Option(
        help: ArgumentHelp(
            "Drop segments that were sealed so long ago (365d), archived or not.",
            valueName: "age"))
    var dropAfter: Duration64?

    private static let segmentSizeMin: Int64 = 64 << 10

    func validate() throws {
        if segmentSize.bytes < Self.segmentSizeMin {
            throw ValidationError("--segment-size must be at least 64KiB")
        }
        if segmentAge.microseconds < 1_000_000 {
            throw ValidationError("--segment-age must be at least 1s")
        }
        if archiveTo != nil, archiveAfter == nil {
            throw ValidationError("--archive-to needs --archive-after AGE")
        }
        if let archiveAfter, let dropAfter, dropAfter.microseconds <= archiveAfter.microseconds {
            throw ValidationError("--drop-after must be longer than --archive-after")
        }
    }

    var limits: SegmentLimits {
        SegmentLimits(bytesMax: segmentSize.bytes, ageMaxMicroseconds: segmentAge.microseconds)
    }

    /// Nil where everything stays as it is.
    var retention: RetentionPolicy? {
        guard archiveAfter != nil || dropAfter != nil else { return nil }
        return RetentionPolicy(
            archiveAfterMicroseconds: archiveAfter?.microseconds,
            archiveFolder: archiveTo.map(absolutePath),
            dropAfterMicroseconds: dropAfter?.microseconds)
    }
}

/// What the log remembers must not depend on where the command was started.
func absolutePath(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
}
