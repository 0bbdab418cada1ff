/// Waiting traces whose places in the log and whose numbers both go up in equal steps.
///
/// That is how requests come: in bulk (a step of one), or in turns over a few kinds.
public struct WaitingRange: Hashable, Sendable {
    /// Where the first one's request stands in the log.
    public var position: Int64
    /// The first one's stream.
    public var stream: Int64
    /// The step from one to the next, of positions and of streams; at least 1.
    public var stride: Int64
    public var count: Int

    public init(position: Int64, stream: Int64, stride: Int64 = 1, count: Int = 1) {
        self.position = position
        self.stream = stream
        self.stride = stride
        self.count = count
    }

    var lastPosition: Int64 { position + stride * Int64(count - 1) }
    var lastStream: Int64 { stream + stride * Int64(count - 1) }

    /// Lengthens the range if the entry is its next one; returns whether it was.
    mutating func join(_ position: Int64, _ stream: Int64) -> Bool {
        let step = position - lastPosition
        guard step > 0, stream - lastStream == step, count == 1 || step == stride else {
            return false
        }
        stride = step
        count += 1
        return true
    }

    mutating func dropFirst() {
        position += stride
        stream += stride
        count -= 1
    }
}
