import HummingbirdCore
import Kubernetes
import NIOCore
import Traceflow

/// What one watcher wants to hear of.
struct WatchRequest: Hashable, Sendable {
    var form: ObjectForm
    var selector: Selector = .all
    /// After which position; nil begins with everything that is there.
    var after: Int64?
    var wantsBookmarks = false
    /// Whether a bookmark says where what was there ends.
    var wantsInitialEnd = false
    var timeoutSeconds: Int64

    /// Watchers of equal keys get the same bytes.
    struct Key: Hashable, Sendable {
        var form: ObjectForm
        var selector: Selector
    }

    var key: Key { Key(form: form, selector: selector) }
}

extension WatchRequest.Key {
    /// Adds the events that the changes are to watchers of this key.
    func write(_ changes: [ObjectChange], at now: Moment, to bytes: inout [UInt8]) {
        for change in changes where change.object.kind == form.kind {
            guard let kind = kind(of: change) else { continue }
            write(kind.rawValue, change.object, at: now, to: &bytes)
        }
    }

    func write(
        _ type: String, _ object: APIObject, at now: Moment, to bytes: inout [UInt8]
    ) {
        bytes += #"{"type":"\#(type)","object":"#.utf8
        form.write(object, at: now, to: &bytes)
        bytes += "}\n".utf8
    }

    /// What the change is to somebody who sees selected objects alone.
    private func kind(of change: ObjectChange) -> ObjectChange.Kind? {
        let isSelected = selector.selects(change.object)
        switch change.kind {
        case .added: return isSelected ? .added : nil
        case .deleted:
            return isSelected || change.before.map(selector.selects) == true ? .deleted : nil
        case .modified:
            let wasSelected = change.before.map(selector.selects) ?? isSelected
            switch (wasSelected, isSelected) {
            case (true, true): return .modified
            case (false, true): return .added
            case (true, false): return .deleted
            case (false, false): return nil
            }
        }
    }
}

/// A watcher while it watches.
struct Watcher: Sendable {
    var request: WatchRequest
    var queue: AsyncStream<ByteBuffer>.Continuation
    /// What came while its past was being read; nil once that was told.
    var held: [ByteBuffer]? = []
    /// Monotonic microseconds.
    var until: Int64
    var bookmarkAt: Int64

    /// Chunks that wait for a client that reads slowly; then it is let go, and begins anew from
    /// the last position that it knows.
    static let queuedMax = 512
    static let bookmarkMicroseconds: Int64 = 30_000_000
}
