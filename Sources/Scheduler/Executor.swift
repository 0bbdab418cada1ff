/// A worker incarnation that can run attempts.
public struct Executor: Hashable, Sendable {
    public var id: String
    /// How many attempts it takes at once.
    public var inFlightMax: Int

    public init(id: String, inFlightMax: Int) {
        self.id = id
        self.inFlightMax = inFlightMax
    }
}
