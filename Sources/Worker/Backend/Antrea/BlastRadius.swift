import Traceflow

/// What keeps traces from being a burden to a cluster: how many are begun a second, in all and in
/// each namespace that they touch, and namespaces that want none.
public struct BlastRadius: Hashable, Sendable {
    /// Nil for no cap.
    public var ratePerSecond: Double?
    public var ratePerSecondAndNamespace: Double?

    private var whole: RateCap?
    private var ofNamespaces: [String: RateCap] = [:]
    var optedOut: Set<String> = []

    public init(ratePerSecond: Double? = nil, ratePerSecondAndNamespace: Double? = nil) {
        self.ratePerSecond = ratePerSecond
        self.ratePerSecondAndNamespace = ratePerSecondAndNamespace
        whole = ratePerSecond.map { RateCap(perSecond: $0) }
    }

    /// The namespaces that a trace touches.
    static func namespaces(of spec: TraceflowSpec) -> Set<String> {
        Set([spec.source?.namespace, spec.destination?.namespace].compactMap { $0 })
    }

    /// Takes one of each cap that the trace comes under; when one is used up, nothing is taken and
    /// the answer is when to ask again, on the monotonic clock.
    mutating func take(_ namespaces: Set<String>, at now: Int64) -> Int64? {
        var caps: [String: RateCap] = [:]
        if let rate = ratePerSecondAndNamespace {
            for namespace in namespaces {
                caps[namespace] = ofNamespaces[namespace] ?? RateCap(perSecond: rate)
            }
        }
        let waits = (caps.values + [whole].compactMap { $0 }).compactMap { $0.wait(at: now) }
        if let latest = waits.max() { return latest }
        whole?.take(at: now)
        for (namespace, cap) in caps {
            var cap = cap
            cap.take(at: now)
            ofNamespaces[namespace] = cap
        }
        if ofNamespaces.count > Self.namespacesMax {
            ofNamespaces = ofNamespaces.filter { !$0.value.isFull(at: now) }
        }
        return nil
    }

    /// The namespace that wants no traces, if the trace touches one.
    func refusing(_ namespaces: Set<String>) -> String? {
        namespaces.intersection(optedOut).min()
    }

    private static let namespacesMax = 1000
}

/// So many a second; what was not used of one second may be used in the next.
struct RateCap: Hashable, Sendable {
    private let microsecondsEach: Double
    /// The moment by which all that were taken would have been due one by one.
    private var dueAt: Double = 0

    /// At least one can be taken at once.
    private let burst: Double

    init(perSecond: Double) {
        microsecondsEach = 1_000_000 / perSecond
        burst = max(1, perSecond.rounded(.down))
    }

    /// When one can be taken; nil for now.
    func wait(at now: Int64) -> Int64? {
        let earliest = dueAt - (burst - 1) * microsecondsEach
        return earliest <= Double(now) ? nil : Int64(earliest.rounded(.up))
    }

    mutating func take(at now: Int64) { dueAt = max(dueAt, Double(now)) + microsecondsEach }

    func isFull(at now: Int64) -> Bool { dueAt <= Double(now) }
}
