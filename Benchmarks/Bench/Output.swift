import Glibc
import Worker

/// What the programs of a run print.
enum Output {
    /// A figure as a line of JSON. Names are ours and need no escaping.
    static func figure(_ scenario: String, _ name: String, _ value: Double, _ unit: String) {
        let rounded = (value * 1000).rounded() / 1000
        line(
            #"{"by":"tracectl","scenario":"\#(scenario)","case":"\#(name)","value":\#(rounded),"#
                + #""unit":"\#(unit)"}"#)
    }

    static func line(_ text: String) { write(STDOUT_FILENO, text) }

    /// For whoever watches.
    static func note(_ text: String) { write(STDERR_FILENO, text) }

    private static func write(_ descriptor: Int32, _ text: String) {
        let bytes = Array((text + "\n").utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count <= 0 { return }
            done += count
        }
    }
}

/// Time that passes, in seconds.
struct Stopwatch {
    private let start = Stopwatch.now

    var seconds: Double { Double(Stopwatch.now - start) / 1e6 }
    var milliseconds: Double { seconds * 1000 }

    /// Microseconds of a clock that nobody sets.
    static var now: Int64 { Clock.system.monotonicMicroseconds() }

    /// Does it until the time is over, at least once; how often a second, weighed by what each
    /// turn returns.
    static func rate(seconds: Double, _ turn: () throws -> Int) rethrows -> Double {
        let watch = Stopwatch()
        var done = 0
        repeat { done += try turn() } while watch.seconds < seconds
        return Double(done) / watch.seconds
    }
}

extension [Double] {
    /// The value below which the part lies; 0 of none.
    func percentile(_ part: Double) -> Double {
        let ordered = sorted()
        return ordered.isEmpty
            ? 0 : ordered[Swift.min(ordered.count - 1, Int(Double(ordered.count) * part))]
    }
}

func sleep(milliseconds: Int) { usleep(UInt32(milliseconds) * 1000) }
