/// Which captures are given up: the oldest, as far as a policy says.
///
/// Plan, then execute: what is to go follows from the captures, the files and the policy alone
/// (`plan`); whoever executes says it in the log before anything is removed. Captures share files:
/// a capture is gone for everybody once the log says so, its bytes go with the last capture of its
/// file.
public struct CapturePruning: Hashable, Sendable {
    /// A capture as far as pruning looks at it.
    public struct Capture: Hashable, Sendable {
        /// Of its event in the log.
        public var position: Int64
        /// Since 1970, in microseconds.
        public var archivedAt: Int64
        public var file: Int64
        public var packets: Int

        public init(position: Int64, archivedAt: Int64, file: Int64, packets: Int) {
            self.position = position
            self.archivedAt = archivedAt
            self.file = file
            self.packets = packets
        }
    }

    public struct Plan: Hashable, Sendable {
        /// The position of the last capture that goes.
        public var through: Int64
        public var captures: Int
        public var packets: Int
        /// The limits that were passed, as `reason` names them.
        public var limits: Set<Limit>
        /// The highest number of a file that a capture lies in, be it left or not.
        public var highestFile: Int64
    }

    public enum Limit: String, Hashable, Sendable, CaseIterable {
        case age, bytes, count
    }

    /// Captures that are older go.
    public var ageMicroseconds: Int64?
    /// The oldest files go until the archive has no more bytes.
    public var bytesMax: Int64?
    /// The oldest captures go until there are no more.
    public var countMax: Int?

    public init(ageMicroseconds: Int64? = nil, bytesMax: Int64? = nil, countMax: Int? = nil) {
        self.ageMicroseconds = ageMicroseconds
        self.bytesMax = bytesMax
        self.countMax = countMax
    }

    public var isEmpty: Bool { ageMicroseconds == nil && bytesMax == nil && countMax == nil }

    /// What is to go at the moment; nil for nothing. `captures` are those that are left, in the
    /// order of the log; `bytes` how large the files are that are there.
    public func plan(
        _ captures: [Capture], fileBytes bytes: [Int64: Int64], at now: Int64
    ) -> Plan? {
        var (gone, limits) = (0, Set<Limit>())
        func go(_ count: Int, _ limit: Limit) {
            guard count > 0 else { return }
            limits.insert(limit)
            gone = max(gone, count)
        }
        if let ageMicroseconds {
            // In the order of the log, which clocks need not follow.
            go(
                captures.prefix { now.subtractingClamped($0.archivedAt) > ageMicroseconds }.count,
                .age)
        }
        if let countMax { go(captures.count - countMax, .count) }
        if let bytesMax {
            var last: [Int64: Int] = [:]
            for (place, capture) in captures.enumerated() { last[capture.file] = place }
            var left = last.keys.reduce(0) { $0 + (bytes[$1] ?? 0) }
            for (file, place) in last.sorted(by: { $0.value < $1.value }) where left > bytesMax {
                go(place + 1, .bytes)
                left -= bytes[file] ?? 0
            }
        }
        guard gone > 0 else { return nil }
        return Plan(
            through: captures[gone - 1].position, captures: gone,
            packets: captures[..<gone].reduce(0) { $0 + $1.packets }, limits: limits,
            highestFile: captures.map(\.file).max() ?? 0)
    }
}

extension Int64 {
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (result, isOver) = subtractingReportingOverflow(other)
        return isOver ? (self > other ? .max : .min) : result
    }
}
