import Glibc
import Simulator

/// Says in which seed and step the program crashed: a trap in the product ends it at once.
enum Crash {
    private static let told = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV]

    static func tell(_ progress: Progress) {
        // Made before any handler may ask for it.
        _ = Simulate.progress
        for number in told {
            signal(number) { number in
                let progress = Simulate.progress
                Crash.write("\nseed ")
                Crash.write(progress.seed)
                Crash.write(" FAILED in step ")
                Crash.write(UInt64(progress.step))
                Crash.write(": the program crashed with signal ")
                Crash.write(UInt64(number))
                Crash.write("\n")
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    private static func write(_ text: StaticString) {
        text.withUTF8Buffer { _ = Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }

    /// In digits, with nothing that takes memory: that may be what is broken.
    private static func write(_ number: UInt64) {
        var power: UInt64 = 1
        while number / power >= 10 { power *= 10 }
        while power > 0 {
            var digit = UInt8(ascii: "0") + UInt8(number / power % 10)
            _ = Glibc.write(STDOUT_FILENO, &digit, 1)
            power /= 10
        }
    }
}
