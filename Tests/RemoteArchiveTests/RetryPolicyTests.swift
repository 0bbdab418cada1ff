import CCurl
import Testing

@testable import RemoteArchive

@Suite("When to try again") struct RetryPolicyTests {
    private static func decide(
        _ attempt: Int, _ code: RemoteError.Code = .serverFailed, after: Int64? = nil,
        elapsed: Int64 = 0, random: (ClosedRange<Int64>) -> Int64 = { $0.upperBound }
    ) -> RetryPolicy.Decision {
        var error = RemoteError(code, "why")
        error.retryAfterMilliseconds = after
        return RetryPolicy().decide(
            attempt: attempt, error, elapsedMilliseconds: elapsed, random: random)
    }

    @Test("waits are drawn from nothing to the most, which doubles") func jitter() {
        let most = (1...5).map { Self.decide($0) }
        #expect(most == [500, 1000, 2000, 4000, 8000].map { .wait(milliseconds: $0) })
        #expect(Self.decide(5, random: { $0.lowerBound }) == .wait(milliseconds: 0))
        #expect(Self.decide(6) == .giveUp)
    }

    @Test("no wait is longer than the longest, at any attempt") func cap() {
        var policy = RetryPolicy()
        policy.attemptsMax = 1000
        for attempt in [7, 8, 63, 64, 999] {
            let decision = policy.decide(
                attempt: attempt, RemoteError(.timedOut, ""), elapsedMilliseconds: 0,
                random: { $0.upperBound })
            #expect(decision == .wait(milliseconds: 30_000))
        }
    }

    @Test("what the server asks for is the least, and too much of it ends it") func retryAfter() {
        #expect(Self.decide(1, after: 17_000) == .wait(milliseconds: 17_000))
        #expect(Self.decide(1, after: 10) == .wait(milliseconds: 500))
        #expect(Self.decide(1, after: 300_001) == .giveUp)
    }

    @Test("the time in all is bounded") func total() {
        #expect(Self.decide(1, elapsed: 299_500) == .wait(milliseconds: 500))
        #expect(Self.decide(1, elapsed: 299_501) == .giveUp)
    }

    @Test("only what may pass is tried again") func kinds() {
        let passing: Set<RemoteError.Code> = [
            .throttled, .serverFailed, .unreachable, .interrupted, .truncated, .timedOut, .garbled,
        ]
        for code in RemoteError.Code.allCases {
            #expect(code.mayPass == passing.contains(code))
            #expect((Self.decide(1, code) != .giveUp) == passing.contains(code))
        }
    }

    @Test("a cancelled wait is the last") func cancelled() throws {
        let time = StillTime()
        let retries = Retries(policy: RetryPolicy(), surroundings: time.surroundings())
        var attempts = 0
        let watch = TransferWatch(isCancelled: { attempts == 2 })
        let error = try failure {
            try retries.run(watch) {
                attempts += 1
                throw RemoteError(.timedOut, "")
            }
        }
        #expect(error.code == .cancelled)
        #expect(attempts == 2)
    }

    @Test("an error of somebody else is passed on at once") func foreign() {
        let retries = Retries(policy: RetryPolicy(), surroundings: StillTime().surroundings())
        var attempts = 0
        #expect(throws: CancellationError.self) {
            try retries.run(TransferWatch()) {
                attempts += 1
                throw CancellationError()
            }
        }
        #expect(attempts == 1)
    }

    @Test(
        "what libcurl says",
        arguments: [
            (CURLE_COULDNT_RESOLVE_HOST, .unreachable), (CURLE_COULDNT_CONNECT, .unreachable),
            (CURLE_OPERATION_TIMEDOUT, .timedOut), (CURLE_PARTIAL_FILE, .truncated),
            (CURLE_RECV_ERROR, .interrupted), (CURLE_SEND_ERROR, .interrupted),
            (CURLE_GOT_NOTHING, .interrupted), (CURLE_SSH, .interrupted),
            (CURLE_FAILED_INIT, .interrupted), (CURLE_PEER_FAILED_VERIFICATION, .untrustedServer),
            (CURLE_LOGIN_DENIED, .denied), (CURLE_REMOTE_ACCESS_DENIED, .denied),
            (CURLE_REMOTE_DISK_FULL, .diskFull), (CURLE_REMOTE_FILE_NOT_FOUND, .absent),
            (CURLE_ABORTED_BY_CALLBACK, .cancelled), (CURLE_URL_MALFORMAT, .refused),
            (CURLE_QUOTE_ERROR, .refused), (CURLE_OUT_OF_MEMORY, .refused),
        ] as [(CURLcode, RemoteError.Code)])
    func curl(code: CURLcode, expected: RemoteError.Code) {
        #expect(TransferFailures.code(code) == expected)
    }

    @Test(
        "what a status says",
        arguments: [
            (200, .malformedAnswer), (301, .wrongRegion), (307, .wrongRegion), (400, .refused),
            (401, .denied), (403, .denied), (404, .absent), (408, .timedOut), (409, .serverFailed),
            (411, .refused), (412, .occupied), (416, .outsideRange), (429, .throttled),
            (500, .serverFailed), (501, .refused), (502, .serverFailed), (503, .serverFailed),
            (504, .serverFailed), (505, .refused),
        ] as [(Int, RemoteError.Code)])
    func status(status: Int, expected: RemoteError.Code) {
        #expect(TransferFailures.code(status: status) == expected)
        #expect(TransferFailures.code(s3: "NotKnown", status: status) == expected)
    }
}
