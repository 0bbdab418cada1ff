/// Lines of a folder as servers of SFTP write them: `-rw-r--r-- 1 owner group 123 Jan 1 00:00
/// name`. No standard says so; what reads otherwise is looked at on its own.
enum SFTPListing {
    enum Entry: Hashable {
        case file(name: String, bytes: Int64)
        /// A file, perhaps.
        case unclear(name: String)
        /// A folder, a link, or a file whose name is none of an archive's.
        case other
    }

    private static let months: Set<Substring> = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func entry(_ line: String) -> Entry {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard let last = words.last, RemoteName.isValid(String(last)) else { return .other }
        let name = String(last)
        switch line.first {
        case "d", "l", "c", "b", "p", "s": return .other
        case "-":
            guard words.count == 9, let bytes = Int64(words[4]), bytes >= 0,
                months.contains(words[5])
            else { return .unclear(name: name) }
            return .file(name: name, bytes: bytes)
        default: return .unclear(name: name)
        }
    }
}
