@testable import Kubernetes
import Testing

@Suite("Calls are made again where that helps")
struct RetryTests {
    enum Outcome: Sendable {
        case status(Int, retryAfter: String? = nil)
        case failure(TransportError.Code)

        var result: Result<TransportAnswer, TransportError> {
            switch self {
            case .status(let status, let after):
                .success(
                    TransportAnswer(
                        status: status, headers: after.map { ["retry-after": $0] } ?? [:]))
            case .failure(let code): .failure(TransportError(code, ""))
            }
        }
    }

    @Test(
        "the first outcome decides so",
        arguments: [
            (Outcome.status(200), true, CallRetry.Decision.give), (.status(404), true, .give),
            (.status(409), false, .give), (.status(401), false, .give),
            (.status(429), false, .again(afterMilliseconds: 200)),
            (.status(429, retryAfter: "2"), false, .again(afterMilliseconds: 2000)),
            (.status(429, retryAfter: "9999"), false, .again(afterMilliseconds: 30_000)),
            (
                .status(429, retryAfter: "9223372036854775807"), false,
                .again(afterMilliseconds: 30_000)
            ), (.status(429, retryAfter: "-1"), false, .again(afterMilliseconds: 200)),
            (.status(503), true, .again(afterMilliseconds: 200)), (.status(503), false, .give),
            (.status(503, retryAfter: "1"), false, .again(afterMilliseconds: 1000)),
            (.failure(.unreachable), false, .again(afterMilliseconds: 200)),
            (.failure(.interrupted), true, .again(afterMilliseconds: 200)),
            (.failure(.interrupted), false, .give), (.failure(.timedOut), false, .give),
            (.failure(.untrusted), true, .give), (.failure(.cancelled), true, .give),
        ])
    func first(_ outcome: Outcome, _ isRepeatable: Bool, _ decision: CallRetry.Decision) {
        var retry = CallRetry()
        let decided = retry.decide(
            outcome.result, isRepeatable: isRepeatable, mayLoginAgain: false,
            random: { $0.upperBound })
        #expect(decided == decision)
    }

    @Test("it ends after a bounded number of attempts")
    func bounded() {
        var retry = CallRetry()
        var attempts = 1
        while case .again = retry.decide(
            Outcome.failure(.unreachable).result, isRepeatable: true, mayLoginAgain: true)
        {
            attempts += 1
        }
        #expect(attempts == 6)
    }

    @Test("a refused credential is renewed once")
    func login() {
        var retry = CallRetry()
        let denied = Outcome.status(401).result
        #expect(retry.decide(denied, isRepeatable: true, mayLoginAgain: true) == .login)
        #expect(retry.decide(denied, isRepeatable: true, mayLoginAgain: true) == .give)
    }

    @Test("waits grow to a bound and stay in the upper half")
    func backoff() {
        var backoff = Backoff(firstMilliseconds: 100, millisecondsMax: 1000)
        let most = (0..<30).map { _ in backoff.next { $0.upperBound } }
        #expect(most.prefix(5) == [100, 200, 400, 800, 1000])
        #expect(most.last == 1000)
        #expect(backoff.next { $0.lowerBound } == 500)
        backoff.reset()
        #expect(backoff.next { $0.upperBound } == 100)
    }
}
