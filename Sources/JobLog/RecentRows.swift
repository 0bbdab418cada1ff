import Synchronization

/// What this process committed last, for those who follow the log in it.
///
/// An event never changes once it is committed, so what is here need not be asked of the database.
/// Invariants: all of it is committed; its positions follow each other; it is empty, or ends where
/// the last transaction of the log's writer did, which may be before the end of the log.
final class RecentRows: Sendable {
    private struct Kept {
        var batches: [RowBatch] = []
        /// Of the first that is still here.
        var head = 0
        var bytes = 0
        var last: Int64 = 0
    }

    private let kept = Mutex(Kept())

    /// About what a fold of the history takes at once.
    static let bytesMax = 4 << 20

    /// Keeps what was committed; nil stands for more than anybody wants.
    func keep(_ batches: [RowBatch]?) {
        if batches?.isEmpty == true { return }
        kept.withLock { kept in
            guard let batches, let first = batches.first?.rows.first?.position,
                let last = batches.last?.rows.last?.position
            else {
                kept = Kept()
                return
            }
            if first != kept.last + 1 { kept = Kept() }
            kept.batches += batches
            kept.last = last
            for batch in batches { kept.bytes += batch.bytesHeld }
            while kept.bytes > Self.bytesMax, kept.head < kept.batches.count {
                kept.bytes -= kept.batches[kept.head].bytesHeld
                // What it held is freed at once, and its place later with many others.
                kept.batches[kept.head] = RowBatch(recordedAt: 0)
                kept.head += 1
            }
            if kept.head > 1024, kept.head * 2 > kept.batches.count {
                kept.batches.removeFirst(kept.head)
                kept.head = 0
            }
        }
    }

    /// Forgets all, as when the log goes on in another segment.
    func forget() { kept.withLock { $0 = Kept() } }

    /// The batches with what comes right after the position; none when that is not here.
    func batches(after position: Int64) -> [RowBatch] {
        kept.withLock { kept in
            guard position < kept.last, kept.head < kept.batches.count,
                let first = kept.batches[kept.head].rows.first?.position, first <= position + 1
            else { return [] }
            var low = kept.head
            var high = kept.batches.count - 1
            while low < high {
                let middle = (low + high) / 2
                if let end = kept.batches[middle].rows.last?.position, end <= position {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            return Array(kept.batches[low...])
        }
    }
}
