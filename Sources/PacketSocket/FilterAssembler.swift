/// One instruction of a classic BPF program, as SO_ATTACH_FILTER takes it.
public struct FilterInstruction: Hashable, Sendable {
    public var code: UInt16
    /// How many instructions are skipped when a test holds, and when it does not.
    public var jumpTrue: UInt8
    public var jumpFalse: UInt8
    public var operand: UInt32

    public init(code: UInt16, jumpTrue: UInt8 = 0, jumpFalse: UInt8 = 0, operand: UInt32 = 0) {
        self.code = code
        self.jumpTrue = jumpTrue
        self.jumpFalse = jumpFalse
        self.operand = operand
    }
}

/// Puts instructions in a row and resolves where they jump to, which is always forward.
///
/// A test skips 255 instructions at most; one that must go further jumps by way of an
/// unconditional jump behind it, whose operand has 32 bits.
struct FilterAssembler {
    struct Label: Hashable {
        fileprivate var number: Int
    }

    enum Operation: UInt16 {
        /// Loads from a fixed place, and from one behind X.
        case word = 0x20
        case wordBehindX = 0x40
        case halfBehindX = 0x48
        case byteBehindX = 0x50
        case half = 0x28
        case byte = 0x30
        case loadX = 0x01
        case and = 0x54
        case shiftLeft = 0x64
        case addX = 0x0c
        case moveToX = 0x07
        case give = 0x06
    }

    enum Test: UInt16 {
        case equals = 0x15
        /// Whether any bit of the operand is set.
        case hasBits = 0x45
    }

    private enum Item {
        case plain(Operation, UInt32)
        /// Goes to the label when the test comes out as said, else on.
        case test(Test, UInt32, comesOut: Bool, Label)
        case jump(Label)
        case label(Label)
    }

    static let jump: UInt16 = 0x05
    static let nearMax = Int(UInt8.max)

    private var items: [Item] = []
    private var labels = 0

    mutating func newLabel() -> Label {
        defer { labels += 1 }
        return Label(number: labels)
    }

    mutating func put(_ operation: Operation, _ operand: UInt32 = 0) {
        items.append(.plain(operation, operand))
    }

    mutating func unless(_ test: Test, _ operand: UInt32, goTo label: Label) {
        items.append(.test(test, operand, comesOut: false, label))
    }

    mutating func when(_ test: Test, _ operand: UInt32, goTo label: Label) {
        items.append(.test(test, operand, comesOut: true, label))
    }

    mutating func goTo(_ label: Label) { items.append(.jump(label)) }

    mutating func here(_ label: Label) { items.append(.label(label)) }

    /// The program; nil when a label is behind its jump, or missing.
    func assembled() -> [FilterInstruction]? {
        // Lengthening one test may put another's target out of reach: until nothing changes.
        var far: Set<Int> = []
        while true {
            let places = places(far)
            var more = far
            for (index, item) in items.enumerated() {
                guard case .test(_, _, _, let label) = item, !far.contains(index) else { continue }
                guard let target = places.labels[label] else { return nil }
                if target - places.items[index] - 1 > Self.nearMax { more.insert(index) }
            }
            if more == far { return emit(far, places) }
            far = more
        }
    }

    private typealias Places = (items: [Int], labels: [Label: Int])

    private func places(_ far: Set<Int>) -> Places {
        var places: Places = ([], [:])
        var next = 0
        for (index, item) in items.enumerated() {
            places.items.append(next)
            switch item {
            case .plain, .jump: next += 1
            case .test: next += far.contains(index) ? 2 : 1
            case .label(let label): places.labels[label] = next
            }
        }
        return places
    }

    private func emit(_ far: Set<Int>, _ places: Places) -> [FilterInstruction]? {
        var program: [FilterInstruction] = []
        for (index, item) in items.enumerated() {
            switch item {
            case .label: continue
            case .plain(let operation, let operand):
                program.append(FilterInstruction(code: operation.rawValue, operand: operand))
            case .jump(let label):
                guard let jump = jump(to: label, from: program.count, places) else { return nil }
                program.append(jump)
            case .test(let test, let operand, let comesOut, let label):
                var instruction = FilterInstruction(code: test.rawValue, operand: operand)
                if far.contains(index) {
                    // The way that goes on skips the jump.
                    instruction.jumpTrue = comesOut ? 0 : 1
                    instruction.jumpFalse = comesOut ? 1 : 0
                    program.append(instruction)
                    guard let jump = jump(to: label, from: program.count, places) else {
                        return nil
                    }
                    program.append(jump)
                } else {
                    guard let target = places.labels[label],
                        let distance = UInt8(exactly: target - program.count - 1)
                    else { return nil }
                    instruction.jumpTrue = comesOut ? distance : 0
                    instruction.jumpFalse = comesOut ? 0 : distance
                    program.append(instruction)
                }
            }
        }
        return program
    }

    private func jump(to label: Label, from place: Int, _ places: Places) -> FilterInstruction? {
        guard let target = places.labels[label], let distance = UInt32(exactly: target - place - 1)
        else { return nil }
        return FilterInstruction(code: Self.jump, operand: distance)
    }
}
