import Testing

@testable import JobLog

/// A table by numbers is what a dictionary is, for any numbers in any order.
struct NumberTableTests {
    /// Neighbours as a log gives them; far apart; negative; and some that begin their search in
    /// one place of a small table.
    private static let kinds: [[Int64]] = [
        Array(1...200), (0..<200).map { $0 * 4096 }, (0..<200).map { -$0 * 3 },
        [.max, .min + 1, 0, -1, 1], (0..<200).map { $0 << 32 },
    ]

    @Test(arguments: kinds.indices, [1, 2, 3, 4] as [UInt64])
    func itHoldsWhatADictionaryHolds(kind: Int, seed: UInt64) {
        let numbers = Self.kinds[kind]
        var state = seed
        func random(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var table = NumberTable<String>()
        var model: [Int64: String] = [:]
        for step in 0..<3000 {
            let number = numbers[random(below: numbers.count)]
            // It grows in the first half and shrinks in the second.
            if random(below: 10) < (step < 1500 ? 7 : 3) {
                table.put("\(step)", at: number)
                model[number] = "\(step)"
            } else {
                #expect(table.remove(number) == model.removeValue(forKey: number))
            }
            #expect(table.count == model.count)
            let asked = numbers[random(below: numbers.count)]
            #expect(table[asked] == model[asked])
        }
        for number in numbers { #expect(table[number] == model[number]) }
        let all = Dictionary(uniqueKeysWithValues: table.all.map { ($0.number, $0.value) })
        #expect(all == model)
        table.removeAll()
        #expect(table.isEmpty && table[numbers[0]] == nil)
    }

    /// Streams of one of 31 workers in turn, symbols of every page, and neighbours.
    @Test(arguments: [1, 2, 31, 62, 310, 4096, 6200, 65_536, 1 << 32] as [Int64])
    func aSearchIsShortWhateverTheNumbersAreApart(stride: Int64) {
        var table = NumberTable<Void>()
        for number in 1...32_768 as ClosedRange<Int64> { table.put((), at: number * stride) }
        var steps = 0
        for number in 1...32_768 as ClosedRange<Int64> {
            let place = table.place(of: number * stride) ?? 0
            steps += 1 + table.distance(from: table.home(of: number * stride), to: place)
        }
        #expect(Double(steps) / 32_768 < 4)
    }

    @Test func theOneNumberThatNoLogGivesIsNotInIt() {
        var table = NumberTable<Int>()
        #expect(table[.min] == nil)
        table.put(1, at: 1)
        table.put(2, at: .min)
        #expect(table[.min] == nil)
        #expect(table.remove(.min) == nil)
        #expect(table.count == 1)
    }
}
