/// Prometheus' text exposition format, version 0.0.4: families in the order they are put.
///
/// Two pages of equal figures are equal, byte for byte. What is put must follow the rules of
/// names (`promtool check metrics` looks); values of labels may be anything.
struct Exposition {
    /// What the format calls itself in `Content-Type`.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String { case counter, gauge, histogram }

    typealias Labels = KeyValuePairs<String, String>

    private(set) var text = ""

    /// A family of one series without labels.
    mutating func put(_ kind: Kind, _ name: String, _ help: String, _ value: Double) {
        begin(kind, name, help)
        line(name, [:], value)
    }

    /// A family of one series for each of its labels, in the order given; no series, no family.
    mutating func put(
        _ kind: Kind, _ name: String, _ help: String, each series: [(Labels, Double)]
    ) {
        guard !series.isEmpty else { return }
        begin(kind, name, help)
        for (labels, value) in series { line(name, labels, value) }
    }

    /// A family of histograms, in seconds.
    mutating func put(_ name: String, _ help: String, each series: [(Labels, Histogram)]) {
        guard !series.isEmpty else { return }
        begin(.histogram, name, help)
        for (labels, histogram) in series {
            var below: Int64 = 0
            for (bound, count) in zip(histogram.bounds, histogram.counts) {
                below += count
                let bound = Self.text(Self.seconds(bound))
                line(name + "_bucket", labels, more: ("le", bound), Double(below))
            }
            line(name + "_bucket", labels, more: ("le", "+Inf"), Double(histogram.count))
            line(name + "_sum", labels, Self.seconds(histogram.sum))
            line(name + "_count", labels, Double(histogram.count))
        }
    }

    static func seconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1_000_000 }

    private mutating func begin(_ kind: Kind, _ name: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n"
        text += "# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func line(
        _ name: String, _ labels: Labels, more: (String, String)? = nil, _ value: Double
    ) {
        let pairs = (labels.map { ($0.key, $0.value) } + [more].compactMap { $0 })
            .map { "\($0.0)=\"\(Self.escaped($0.1, quotes: true))\"" }
        let list = pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
        text += "\(name)\(list) \(Self.text(value))\n"
    }

    /// Whole numbers without a fraction, others in full.
    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.magnitude < 1e15 && value == value.rounded(.towardZero)
            ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            case _: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
