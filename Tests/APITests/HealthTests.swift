import Testing

@testable import API

/// Whether a worker lives and is of use, and why not; which addresses it is told on.
struct HealthTests {
    private static let well = Health(isDeciding: true, isDecided: true, lag: 0)

    private static func changed(_ change: (inout Health) -> Void) -> Health {
        var health = well
        change(&health)
        return health
    }

    @Test func aWorkerThatDecidesOrHasADeciderIsReady() {
        #expect(Self.well.readiness == .ok)
        #expect(Self.changed { $0.isDeciding = false }.readiness == .ok)
        #expect(Self.changed { $0.lag = Health.lagMax }.readiness == .ok)
    }

    @Test(arguments: [
        (changed { ($0.isDeciding, $0.isDecided) = (false, false) }, "no worker decides"),
        (changed { $0.lag = 100_001 }, "100001 events behind the end of the log"),
        (changed { $0.lag = nil }, "the log cannot be read"),
        (changed { $0.isStopping = true }, "the worker is stopping"),
        (
            changed { $0.executingStill = 200_000_000 },
            "the executing thread has not come round for 200 s"
        ),
    ])
    func aWorkerThatIsNotReadySaysWhy(_ health: Health, _ why: String) {
        #expect(health.readiness == .no(why))
    }

    @Test func aThreadThatHangsIsNoLife() {
        let hanging = Self.changed { $0.decidingStill = 181_000_000 }
        #expect(hanging.liveness == .no("the deciding thread has not come round for 181 s"))
        #expect(Self.changed { $0.decidingStill = 60_000_000 }.liveness == .ok)
        #expect(Self.changed { ($0.isDecided, $0.lag) = (nil, nil) }.liveness == .ok)
    }

    @Test(arguments: [
        ("127.0.0.1:9090", "127.0.0.1:9090"), ("127.8.8.8:0", "127.8.8.8:0"),
        ("localhost:80", "127.0.0.1:80"), ("[::1]:65535", "[::1]:65535"),
    ])
    func loopbackAddressesAreServed(_ text: String, _ meant: String) throws {
        #expect(try LoopbackAddress(text).description == meant)
    }

    @Test(arguments: [
        "0.0.0.0:9090", "[::]:9090", "10.0.0.1:9090", "example.org:9090", "127.0.0.1.example.org:1",
        "127.0.0:1", "127.0.0.256:1", "127.0.0.+1:1", "[::ffff:10.0.0.1]:1",
    ])
    func otherAddressesAreRefusedWithWhatToDo(_ text: String) {
        let error = #expect(throws: LoopbackAddress.Invalid.self) { try LoopbackAddress(text) }
        #expect(error?.description.contains("use 127.0.0.1:") == true)
        #expect(error?.description.contains("neither TLS nor authentication") == true)
    }

    @Test(arguments: ["", "9090", ":9090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "a:b"])
    func whatIsNoAddressIsRefusedWithAnExample(_ text: String) {
        let error = #expect(throws: LoopbackAddress.Invalid.self) { try LoopbackAddress(text) }
        #expect(error?.description.contains("127.0.0.1:9464") == true)
    }
}
