/// Labels as text: equal sets have equal texts.
enum LabelText {
    static func text(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)\u{1}\($0.value)" }
            .joined(separator: "\u{2}")
    }

    static func labels(_ text: String) -> [String: String] {
        var labels: [String: String] = [:]
        for part in text.split(separator: "\u{2}") {
            let halves = part.split(
                separator: "\u{1}", maxSplits: 1, omittingEmptySubsequences: false)
            if halves.count == 2 { labels[String(halves[0])] = String(halves[1]) }
        }
        return labels
    }
}
