/// Which trace has which of the names that people gave.
struct NameLedger {
    private(set) var holders: [String: Int64] = [:]
    /// Where each name was given back last.
    private var releases: [String: Int64] = [:]

    mutating func take(_ name: String, _ stream: Int64) throws {
        if let holder = holders[name] {
            throw Violation("trace \(stream) is called \(name), as trace \(holder) is")
        }
        holders[name] = stream
    }

    /// Deleted again, a trace has no name any more to give back.
    mutating func giveBack(_ name: String, _ stream: Int64, at position: Int64) {
        guard holders[name] == stream else { return }
        holders[name] = nil
        releases[name] = position
    }

    /// Whether somebody had the name at some time after the position.
    func wasHeld(_ name: String, after position: Int64) -> Bool {
        holders[name] != nil || releases[name].map { $0 > position } ?? false
    }
}
