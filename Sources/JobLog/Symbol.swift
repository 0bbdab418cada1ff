import Synchronization

/// Bytes that many events share: an observation list, an endpoint, the name of a worker.
///
/// A log stores them once and its events refer to them by number. The number is given by the
/// transaction that first records an event with the symbol, and is known from then on.
public final class Symbol: Sendable {
    public let bytes: [UInt8]
    /// 0 until a commit has given one.
    private let known = Atomic<Int64>(0)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var number: Int64 { known.load(ordering: .acquiring) }

    /// Only after the commit that wrote the number, or having read it.
    func settle(_ number: Int64) { known.store(number, ordering: .releasing) }
}

/// The symbols of a log that this process has met, by their bytes and by their numbers.
final class SymbolCache: Sendable {
    private struct Known {
        var byBytes: [Key: Symbol] = [:]
        var byNumber = NumberTable<Symbol>()
    }

    /// Bytes with their hash, which is worked out outside of the lock.
    private struct Key: Hashable {
        let bytes: [UInt8]
        let hash: UInt64

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            hash = FoldedHash.of(bytes)
        }

        static func == (a: Key, b: Key) -> Bool { a.hash == b.hash && a.bytes == b.bytes }

        func hash(into hasher: inout Hasher) { hasher.combine(hash) }
    }

    private let known = Mutex(Known())

    /// Beyond this many the cache starts anew; symbols that others hold stay valid.
    private static let countMax = 200_000

    func symbol(_ bytes: [UInt8]) -> Symbol {
        let key = Key(bytes)
        return known.withLock { known in
            if let symbol = known.byBytes[key] { return symbol }
            if known.byBytes.count >= Self.countMax { known = Known() }
            let symbol = Symbol(bytes)
            known.byBytes[key] = symbol
            return symbol
        }
    }

    func symbol(number: Int64) -> Symbol? { known.withLock { $0.byNumber[number] } }

    /// Keeps the numbers that a commit gave, so that nobody reads these symbols to know them.
    func keep(_ given: some Sequence<(symbol: Symbol, number: Int64)>) {
        known.withLock { known in
            for (symbol, number) in given {
                symbol.settle(number)
                if known.byNumber.count >= Self.countMax { known = Known() }
                known.byNumber.put(symbol, at: number)
            }
        }
    }

    /// Keeps what was read; the newest number stands for the bytes from now on.
    func keep(_ bytes: [UInt8], number: Int64) -> Symbol {
        let key = Key(bytes)
        return known.withLock { known in
            if let symbol = known.byNumber[number] { return symbol }
            if known.byNumber.count >= Self.countMax { known = Known() }
            let symbol = known.byBytes[key] ?? Symbol(bytes)
            if symbol.number < number { symbol.settle(number) }
            known.byBytes[key] = symbol
            known.byNumber.put(symbol, at: number)
            return symbol
        }
    }
}

extension JobLog {
    /// The symbol of the bytes, to be named by drafts. Nothing is recorded yet.
    public func symbol(_ bytes: [UInt8]) -> Symbol { symbols.symbol(bytes) }

    /// The bytes of the symbol with the number; nil when the log holds none.
    public func symbol(number: Int64) throws(JobLogError) -> [UInt8]? {
        if let known = symbols.symbol(number: number) { return known.bytes }
        // A connection of its own: readers ask for symbols in the middle of a scan.
        let read = try symbolReader.with { reader throws(JobLogError) -> [UInt8]? in
            if let bytes = try reader.symbol(number) { return bytes }
            // It may be one of a segment that this reader does not know yet.
            return try reader.moveOn() ? try reader.symbol(number) : nil
        }
        return read.map { symbols.keep($0, number: number).bytes }
    }
}

extension SegmentReader {
    fileprivate func symbol(_ number: Int64) throws(JobLogError) -> [UInt8]? {
        guard let segment = try holder(ofSymbol: number) else { return nil }
        let query = try segment.connection.statement("select bytes from symbol where number = ?")
        defer { query.reset() }
        query.bind(1, number)
        return try query.step() ? query.blob(0) : nil
    }
}
