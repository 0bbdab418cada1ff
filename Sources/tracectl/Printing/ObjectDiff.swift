import API
import Cluster

/// How an object of Kubernetes changed, as lines of YAML that went and came.
enum ObjectDiff {
    /// What the API server writes by itself, and says nothing of an edit.
    private static let hidden: Set<String> = [
        "managedFields", "resourceVersion", "uid", "generation", "creationTimestamp",
    ]
    /// Lines that stay and stand around a change.
    private static let context = 2

    /// Lines that begin with `-`, `+` or a blank; what is far from any change is left out.
    static func lines(from before: String?, to after: String?) -> [String] {
        let (old, new) = (yaml(before), yaml(after))
        let difference = new.difference(from: old)
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var lines: [(sign: Character, text: String)] = []
        var (from, to) = (0, 0)
        while from < old.count || to < new.count {
            if removed.contains(from) {
                lines.append(("-", old[from]))
                from += 1
            } else if inserted.contains(to) {
                lines.append(("+", new[to]))
                to += 1
            } else {
                lines.append((" ", old[from]))
                from += 1
                to += 1
            }
        }
        let changed = lines.indices.filter { lines[$0].sign != " " }
        var shown: [String] = []
        var last = -1
        for (place, line) in lines.enumerated()
        where changed.contains(where: { abs($0 - place) <= context }) {
            if last >= 0, place > last + 1 { shown.append("  ⋮") }
            shown.append("\(line.sign) \(line.text)")
            last = place
        }
        return shown
    }

    private static func yaml(_ json: String?) -> [String] {
        guard let json,
            let resource = try? ManifestReader.read(text: json, file: "recorded").first
        else { return [] }
        return OutputValue(resource.value, hiding: hidden).yaml
            .split(separator: "\n").map { printable(String($0)) }
    }
}

extension OutputValue {
    /// A manifest's value, keys in alphabetical order, without those to be hidden.
    init(_ value: ManifestValue, hiding hidden: Set<String>) {
        switch value.content {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .double(let number): self = .string(String(number))
        case .string(let text): self = .string(text)
        case .list(let values): self = .list(values.map { OutputValue($0, hiding: hidden) })
        case .map(let entries):
            self = .map(
                entries.filter { !hidden.contains($0.key) }.sorted { $0.key < $1.key }.map {
                    Entry(key: $0.key, value: OutputValue($0.value, hiding: hidden))
                })
        }
    }
}
