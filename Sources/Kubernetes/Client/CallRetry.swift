/// Whether a call is made again, and when. Only decides.
struct CallRetry: Sendable {
    private var attempts = 0
    private var backoff = Backoff(firstMilliseconds: 200, millisecondsMax: 5_000)
    private var hasRenewedLogin = false

    private static let attemptsMax = 6
    private static let serverWaitSecondsMax = 30

    enum Decision: Hashable {
        case give
        case again(afterMilliseconds: Int)
        /// With another credential.
        case login
    }

    mutating func decide(
        _ result: Result<TransportAnswer, TransportError>, isRepeatable: Bool, mayLoginAgain: Bool,
        random: (ClosedRange<Int>) -> Int = { Int.random(in: $0) }
    ) -> Decision {
        attempts += 1
        switch result {
        case .success(let answer):
            if answer.status == 401, mayLoginAgain, !hasRenewedLogin {
                hasRenewedLogin = true
                return .login
            }
            guard attempts < Self.attemptsMax else { return .give }
            let asked = answer.headers["retry-after"].flatMap { Int($0) }
            switch answer.status {
            // Not done, says the server.
            case 429: return .again(afterMilliseconds: wait(asked, random))
            case 500...599 where asked != nil || isRepeatable:
                return .again(afterMilliseconds: wait(asked, random))
            default: return .give
            }
        case .failure(let error):
            guard attempts < Self.attemptsMax else { return .give }
            switch error.code {
            case .unreachable: return .again(afterMilliseconds: backoff.next(random: random))
            case .interrupted, .timedOut, .malformed:
                return isRepeatable
                    ? .again(afterMilliseconds: backoff.next(random: random)) : .give
            case .untrusted, .cancelled, .unusable: return .give
            }
        }
    }

    private mutating func wait(
        _ askedSeconds: Int?, _ random: (ClosedRange<Int>) -> Int
    ) -> Int {
        let own = backoff.next(random: random)
        guard let askedSeconds, askedSeconds >= 0 else { return own }
        return max(own, min(Self.serverWaitSecondsMax, askedSeconds) * 1000)
    }
}
