/// A kind of event, as the database knows it.
public struct EventType: Hashable, Sendable {
    public let id: Int32
    public let name: String
    /// The kind of stream it belongs to.
    public let family: String

    public init(id: Int32, name: String, family: String) {
        self.id = id
        self.name = name
        self.family = family
    }
}

/// The stream an event is to be appended to.
public enum StreamRef: Hashable, Sendable {
    case existing(Int64)
    /// The n-th (from 0) of the request's new streams.
    case new(Int)
}

/// A stream that an append begins.
public struct NewStream: Hashable, Sendable {
    public var family: String
    /// A name given by people, unique in the family while it is held.
    public var name: String?

    public init(family: String, name: String? = nil) {
        self.family = family
        self.name = name
    }
}

/// An event before it is recorded.
public struct Draft: Sendable {
    public var stream: StreamRef
    public var type: Int32
    public var schema: Int32
    /// What is recorded, less the numbers of `symbols`, which are written behind it.
    public var payload: [UInt8]
    /// What the event shares with others. Their numbers end the payload, as field 15 of a
    /// Protocol Buffers message, packed; 0 stands for nil.
    public var symbols: [Symbol?]
    /// The version the stream must have before this event; nil appends in any case.
    public var expectedVersion: Int64?
    /// Whether a replay may begin with this event.
    public var isCheckpoint: Bool

    public init(
        stream: StreamRef, type: Int32, schema: Int32, payload: [UInt8], symbols: [Symbol?] = [],
        expectedVersion: Int64? = nil, isCheckpoint: Bool = false
    ) {
        self.stream = stream
        self.type = type
        self.schema = schema
        self.payload = payload
        self.symbols = symbols
        self.expectedVersion = expectedVersion
        self.isCheckpoint = isCheckpoint
    }
}

/// Bytes that events refer to by their digest; stored once.
public struct Content: Hashable, Sendable {
    public var digest: [UInt8]
    public var bytes: [UInt8]

    public init(digest: [UInt8], bytes: [UInt8]) {
        self.digest = digest
        self.bytes = bytes
    }
}

/// What one caller wants recorded: all of it, or nothing.
public struct AppendRequest: Sendable {
    public var newStreams: [NewStream]
    public var drafts: [Draft]
    /// Names that are given back.
    public var releasedNames: [NewStream]
    public var contents: [Content]

    public init(
        newStreams: [NewStream] = [], drafts: [Draft] = [], releasedNames: [NewStream] = [],
        contents: [Content] = []
    ) {
        self.newStreams = newStreams
        self.drafts = drafts
        self.releasedNames = releasedNames
        self.contents = contents
    }

    var isEmpty: Bool { drafts.isEmpty && contents.isEmpty && releasedNames.isEmpty }
}

/// An event with its place in the log.
public struct RecordedEvent: Hashable, Sendable {
    /// Place in the whole log, from 1, without gaps.
    public var position: Int64
    public var stream: Int64
    /// Place in its stream, from 1, without gaps.
    public var version: Int64
    public var type: Int32
    public var schema: Int32
    /// Microseconds since 1970; never less than the event before.
    public var recordedAt: Int64
    public var payload: [UInt8]

    public init(
        position: Int64, stream: Int64, version: Int64, type: Int32, schema: Int32,
        recordedAt: Int64, payload: [UInt8]
    ) {
        self.position = position
        self.stream = stream
        self.version = version
        self.type = type
        self.schema = schema
        self.recordedAt = recordedAt
        self.payload = payload
    }
}

/// Where an append put what it recorded.
public struct Appended: Hashable, Sendable {
    /// The positions of the request's events, in its order; empty when it had none.
    public var positions: NumberRun
    /// The numbers of the request's new streams, in its order.
    public var streams: NumberRun
    /// The moment that all of them carry, in microseconds since 1970.
    public var recordedAt: Int64
}

/// Consecutive numbers, by their place from 0.
public struct NumberRun: RandomAccessCollection, Hashable, Sendable {
    /// The first number, or the one that would come first in an empty run.
    public let start: Int64
    public let count: Int

    public init(start: Int64, count: Int) {
        self.start = start
        self.count = count
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }
    public subscript(place: Int) -> Int64 { start + Int64(place) }
}

/// The right to a role until a moment. The epoch only grows; an older one is refused.
public struct Lease: Hashable, Sendable {
    public var role: String
    public var holder: String
    public var epoch: Int64
    /// Microseconds since 1970.
    public var expiresAt: Int64
}
