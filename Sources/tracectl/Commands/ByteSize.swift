import ArgumentParser

/// A size: `64MiB`, `1GiB`, `500kB`; a bare number means bytes.
struct ByteSize: ExpressibleByArgument, Hashable {
    var bytes: Int64

    private static let units: [String: Double] = [
        "": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
        "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824, "TiB": 1_099_511_627_776,
    ]

    init(bytes: Int64) { self.bytes = bytes }

    init?(argument: String) {
        let number = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let name = String(argument[number.endIndex...])
        guard let value = Double(number), let unit = Self.units[name], value * unit < 9e18
        else { return nil }
        bytes = Int64(value * unit)
    }
}
