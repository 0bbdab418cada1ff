import Foundation
import JobLog
import SimulatedDisk
import Synchronization
import Testing

/// Event types of a log whose streams are asked and answered; what was not answered is alive.
enum Type {
    static let asked: Int32 = 1
    static let answered: Int32 = 2
    static let created: Int32 = 40
    static let sealed: Int32 = 43
    static let checkpoint: Int32 = 44
    static let archived: Int32 = 45
    static let restored: Int32 = 46
    static let dropped: Int32 = 47

    static let all = [
        EventType(id: asked, name: "Asked", family: family),
        EventType(id: answered, name: "Answered", family: family),
        EventType(id: created, name: "LogCreated", family: "log"),
        EventType(id: sealed, name: "SegmentSealed", family: "log"),
        EventType(id: checkpoint, name: "Checkpoint", family: "log"),
        EventType(id: archived, name: "SegmentArchived", family: "log"),
        EventType(id: restored, name: "SegmentRestored", family: "log"),
        EventType(id: dropped, name: "SegmentDropped", family: "log"),
    ]
}

/// The fold of such a log: how much was asked, and what is alive.
struct Count: Hashable {
    var asked = 0
    var alive: Set<Int64> = []

    mutating func fold(_ row: EventRow) {
        if row.type == Type.asked {
            asked += 1
            alive.insert(row.stream)
        }
        if row.type == Type.answered { alive.remove(row.stream) }
    }

    var bytes: [UInt8] {
        Array("\(asked) \(alive.sorted().map(String.init).joined(separator: " "))".utf8)
    }

    init() {}

    init(_ bytes: [UInt8]) {
        let numbers = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        asked = numbers.first.flatMap { Int($0) } ?? 0
        alive = Set(numbers.dropFirst().compactMap { Int64($0) })
    }

    /// From the last checkpoint on.
    init(of log: JobLog) throws {
        let checkpoint = try log.lastCheckpoint()
        var count = Count(checkpoint?.payload ?? [])
        try log.scan(after: checkpoint?.position ?? 0) { count.fold($0) }
        self = count
    }

    var checkpoint: Draft {
        Draft(
            stream: .existing(1), type: Type.checkpoint, schema: 1, payload: bytes,
            isCheckpoint: true)
    }
}

/// Content that each new segment gets.
let keptDigest: [UInt8] = [7]

func rollingOptions(
    _ clock: ManualClock = ManualClock(), durability: JobLog.Durability = .off,
    storage: Storage = .fileSystem, bytesMax: Int64 = 1 << 30
) -> JobLog.Options {
    JobLog.Options(
        durability: durability, now: { clock.now }, eventTypes: Type.all,
        firstEvent: { id in
            Draft(stream: .new(0), type: Type.created, schema: 1, payload: Array(id.utf8))
        }, storage: storage,
        rolling: Rolling(
            segmentBytesMax: bytesMax, segmentAgeMax: 1_000_000_000,
            seal: { number in
                Draft(
                    stream: .existing(1), type: Type.sealed, schema: 1,
                    payload: [UInt8(truncatingIfNeeded: number)])
            },
            carry: { log in
                let count = try Count(of: log)
                return Carried(
                    streams: count.alive.sorted().map { $0...$0 }, drafts: [count.checkpoint],
                    digests: [keptDigest])
            },
            digest: { next in
                // Not a good one, but it sees each byte and its place.
                var digest: UInt64 = 0
                while let piece = try next() {
                    for byte in piece { digest = (digest &* 31) &+ UInt64(byte) &+ 1 }
                }
                return withUnsafeBytes(of: digest) { Array($0) }
            }))
}

func asking(_ name: String? = nil, _ symbols: [Symbol] = []) -> AppendRequest {
    AppendRequest(
        newStreams: [NewStream(family: family, name: name)],
        drafts: [
            Draft(
                stream: .new(0), type: Type.asked, schema: 1, payload: Array((name ?? "").utf8),
                symbols: symbols)
        ])
}

func answer(_ stream: Int64) -> AppendRequest {
    AppendRequest(drafts: [
        Draft(stream: .existing(stream), type: Type.answered, schema: 1, payload: [])
    ])
}

extension JobLog {
    func lease(_ holder: String = "a", _ duration: Int64 = 1_000_000) throws -> Lease {
        try #require(
            try acquireLease(role: "decider", holder: holder, durationMicroseconds: duration))
    }

    /// Seals and goes on, as a decider that remembers nothing.
    func roll(_ lease: Lease) throws {
        try roll(holding: lease, after: 0) { _, _ in [] }
    }

    func roll() throws { try roll(lease()) }
}
