import PacketSocket

/// Runs a filter as the kernel does (Documentation/networking/filter.rst), and refuses what its
/// checker would: an unknown instruction, a jump out of the program, an end without a return.
enum FilterMachine {
    struct Fault: Error { var what: String }

    /// How many bytes of the frame are kept; 0 when it is not let through.
    static func run(_ program: [FilterInstruction], on frame: [UInt8]) throws -> Int {
        try check(program)
        var (a, x): (UInt32, UInt32) = (0, 0)
        var place = 0
        while place < program.count {
            let one = program[place]
            let k = one.operand
            place += 1
            switch one.code {
            case 0x20, 0x28, 0x30, 0x40, 0x48, 0x50:
                let size = [0x00: 4, 0x08: 2, 0x10: 1][one.code & 0x18] ?? 0
                let start = Int(k) + (one.code & 0x40 != 0 ? Int(x) : 0)
                // What is not in the frame ends the program.
                guard start + size <= frame.count else { return 0 }
                a = frame[start..<start + size].reduce(0) { $0 << 8 | UInt32($1) }
            case 0x01: x = k
            case 0x54: a &= k
            case 0x64: a <<= k
            case 0x0c: a &+= x
            case 0x07: x = a
            case 0x05: place += Int(k)
            case 0x15: place += Int(a == k ? one.jumpTrue : one.jumpFalse)
            case 0x45: place += Int(a & k != 0 ? one.jumpTrue : one.jumpFalse)
            case 0x06: return min(Int(k), frame.count)
            default: throw Fault(what: "instruction \(one.code)")
            }
        }
        throw Fault(what: "it does not return")
    }

    private static func check(_ program: [FilterInstruction]) throws {
        guard (1...4096).contains(program.count) else {
            throw Fault(what: "\(program.count) instructions")
        }
        for (place, one) in program.enumerated() {
            let furthest =
                switch one.code {
                case 0x05: Int(one.operand)
                case 0x15, 0x45: Int(max(one.jumpTrue, one.jumpFalse))
                default: 0
                }
            guard place + 1 + furthest < program.count || one.code == 0x06 else {
                throw Fault(what: "instruction \(place) jumps out")
            }
        }
    }
}
