import Traceflow

/// Columns as kubectl prints them: three blanks between, none at the end of a line.
struct TextTable {
    var header: [String]
    var rows: [[String]] = []

    func text(hasHeader: Bool = true) -> String {
        let all = (hasHeader ? [header] : []) + rows
        var widths = [Int](repeating: 0, count: header.count)
        for row in all {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return all.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell
                if index < row.count - 1 {
                    line += String(repeating: " ", count: widths[index] - cell.count + 3)
                }
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// Makes what came from outside harmless on a terminal: control characters are shown, not obeyed.
func printable(_ text: String) -> String {
    var safe = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0..<0x20, 0x7f...0x9f, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069:
            safe += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: safe.unicodeScalars.append(scalar)
        }
    }
    return safe
}
