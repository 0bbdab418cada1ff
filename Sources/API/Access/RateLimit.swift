import Synchronization

/// How often each client may ask: so many requests a second, after a burst.
///
///     tokens: burst at most, one more each 1/rate s; a request takes one, or is refused
final class RateLimit: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: Int64
    }

    private let perSecond: Double
    private let burst: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// Clients that are remembered; whoever was quiet long enough is forgotten first.
    private static let clientsMax = 10_000

    init(perSecond: Double, burst: Double) {
        self.perSecond = perSecond
        self.burst = burst
    }

    /// Whether the client may ask now, in monotonic microseconds.
    func take(_ client: String, at now: Int64) -> Bool {
        buckets.withLock { buckets in
            if buckets.count >= Self.clientsMax, buckets[client] == nil {
                let full = Int64(burst / perSecond * 1_000_000)
                buckets = buckets.filter { now - $0.value.at < full }
                // A crowd of new clients: they share one bucket.
                if buckets.count >= Self.clientsMax { return Self.take(&buckets, "", now, self) }
            }
            return Self.take(&buckets, client, now, self)
        }
    }

    private static func take(
        _ buckets: inout [String: Bucket], _ client: String, _ now: Int64, _ limit: RateLimit
    ) -> Bool {
        var bucket = buckets[client] ?? Bucket(tokens: limit.burst, at: now)
        let passed = Double(max(0, now - bucket.at)) / 1_000_000
        bucket.tokens = min(limit.burst, bucket.tokens + passed * limit.perSecond)
        bucket.at = now
        defer { buckets[client] = bucket }
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }
}
