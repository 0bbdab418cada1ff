import Testing

@testable import History

struct PackedColumnTests {
    static let columns: [[Int64]] = [
        [], [0], [7], [-1], [.min, .max], [.max, .min, 0], [5, 5, 5, 5],
        Array(0..<1000), (0..<1000).map { $0 * $0 * 1_000_003 }, [1, 2, 1 << 58, 3],
        [1 << 62, -(1 << 62), 0], (0..<300).map { 1_790_000_000_000_000 + $0 * 17 },
        (0..<300).map { ($0 * 7919) % 1024 }, [0, 1, 0, 1, 1, 1, 0],
        (0..<257).map { 1 << 40 + $0 * 5 + $0 % 3 }, (0..<1025).map { -$0 * 1000 - $0 % 7 },
    ]

    @Test(arguments: columns)
    func numbersComeBackAsTheyWere(column: [Int64]) {
        let bytes = PackedColumn.bytes(column)
        let back = bytes.withUnsafeBytes { PackedColumn.values($0, count: column.count) }
        #expect(back == column)
        for place in column.indices {
            let value = bytes.withUnsafeBytes {
                PackedColumn.value($0, at: place, of: column.count)
            }
            #expect(value == column[place])
        }
    }

    @Test func equalNumbersTakeNoRoomAndGrowingOnesLittle() {
        let room = PackedColumn.bytes([]).count
        #expect(PackedColumn.bytes(Array(repeating: 9, count: 8000)).count == room)
        #expect(
            PackedColumn.bytes((0..<8000).map { 1_790_000_000_000_000 + $0 }).count == room)
        #expect(PackedColumn.bytes((0..<8000).map { $0 % 1024 }).count < room + 8000 * 5 / 4 + 1)
    }

    @Test func bytesThatAreCutShortAreNoColumn() {
        let bytes = PackedColumn.bytes((0..<100).map { $0 * 31 % 64 })
        for count in 0..<bytes.count {
            let back = bytes.prefix(count).withUnsafeBytes { PackedColumn.values($0, count: 100) }
            #expect(back == nil)
        }
        let grown = PackedColumn.bytes((0..<1000).map { $0 * 1000 + $0 % 5 })
        for count in 0..<grown.count {
            let value = grown.prefix(count).withUnsafeBytes {
                PackedColumn.value($0, at: 999, of: 1000)
            }
            #expect(value == nil)
        }
    }
}
