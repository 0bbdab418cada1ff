/// Numbers of streams as ranges: a sweep's members follow each other.
struct StreamRanges: Sendable {
    /// In order, without overlap.
    private var ranges: [ClosedRange<Int64>] = []

    func contains(_ stream: Int64) -> Bool {
        guard let place = place(of: stream) else { return false }
        return ranges[place].contains(stream)
    }

    mutating func insert(_ stream: Int64) {
        guard let place = place(of: stream) else {
            if let first = ranges.first, first.lowerBound == stream + 1 {
                ranges[0] = stream...first.upperBound
            } else {
                ranges.insert(stream...stream, at: 0)
            }
            return
        }
        if ranges[place].contains(stream) { return }
        var next = place + 1
        if ranges[place].upperBound == stream - 1 {
            ranges[place] = ranges[place].lowerBound...stream
        } else {
            ranges.insert(stream...stream, at: next)
            next += 1
        }
        if next < ranges.count, ranges[next].lowerBound == stream + 1 {
            let joined = ranges[next - 1].lowerBound...ranges[next].upperBound
            ranges.replaceSubrange(next - 1...next, with: [joined])
        }
    }

    /// The last range that begins at the stream or before it.
    private func place(of stream: Int64) -> Int? {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].lowerBound <= stream { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}
