import Testing

@testable import API

/// Since when traces wait, in little memory.
struct WaitingTracesTests {
    @Test func aMillionOfOneMomentIsOneEntry() {
        var waiting = WaitingTraces()
        for stream: Int64 in 1...1_000_000 { waiting.add(stream, since: 5) }
        #expect(waiting.entryCount == 1)
        #expect(waiting.remove(500_000) == 5)
        #expect(waiting.remove(1_000_001) == nil)
        #expect(waiting.remove(0) == nil)
    }

    @Test func streamsInBetweenThatAreNoTracesDoNotMatter() {
        var waiting = WaitingTraces()
        for stream: Int64 in [3, 5, 9] { waiting.add(stream, since: 7) }
        for stream: Int64 in [5, 3, 9] { #expect(waiting.remove(stream) == 7) }
        #expect(waiting.entryCount == 0)
        #expect(waiting.remove(3) == nil, "nothing is left")
    }

    @Test func whatComesAgainWaitsSinceThen() {
        var waiting = WaitingTraces()
        for stream: Int64 in 1...3 { waiting.add(stream, since: stream) }
        #expect(waiting.remove(2) == 2)
        waiting.add(2, since: 90)
        #expect(waiting.remove(2) == 90)
        #expect(waiting.remove(1) == 1)
        #expect(waiting.remove(3) == 3)
        #expect(waiting.entryCount == 0)
    }

    @Test func manyMomentsAreJoinedAndNoneIsLost() {
        var waiting = WaitingTraces(runsMax: 16)
        for stream: Int64 in 1...1000 { waiting.add(stream, since: stream) }
        #expect(waiting.entryCount <= 17)
        for stream: Int64 in 1...1000 {
            let since = waiting.remove(stream)
            #expect(since.map { $0 <= stream } == true, "never said to be shorter than it is")
        }
        #expect(waiting.entryCount == 0)
    }

    @Test(arguments: 1...20)
    func itAnswersAsADictionaryWould(seed: UInt64) {
        var state = seed
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var waiting = WaitingTraces()
        var plain: [Int64: Int64] = [:]
        var (stream, moment) = (Int64(0), Int64(0))
        for _ in 0..<3000 {
            switch next(10) {
            case 0..<5:
                stream += 1 + Int64(next(2))
                if next(4) == 0 { moment += 1 }
                waiting.add(stream, since: moment)
                plain[stream] = moment
            case 5 where stream > 0:
                let again = 1 + Int64(next(UInt64(stream)))
                guard plain[again] == nil else { continue }
                waiting.add(again, since: moment)
                plain[again] = moment
            case _:
                guard let some = plain.keys.sorted().dropFirst(Int(next(8))).first else { continue }
                #expect(waiting.remove(some) == plain.removeValue(forKey: some))
            }
        }
        for (stream, since) in plain { #expect(waiting.remove(stream) == since) }
        #expect(waiting.entryCount == 0)
    }
}
