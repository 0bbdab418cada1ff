import Glibc

/// What the system says of this process, under the names that Prometheus' clients use.
struct ProcessFigures: Hashable, Sendable {
    var residentBytes: Int64?
    var cpuSeconds: Double
    var openFiles: Int?
    /// Seconds since 1970.
    var startedAt: Double?

    static func now() -> ProcessFigures {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
        }
        return ProcessFigures(
            residentBytes: residentBytes(),
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            openFiles: entries("/proc/self/fd"), startedAt: startedAt)
    }

    private static func residentBytes() -> Int64? {
        let fields = text("/proc/self/statm")?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = Int64(fields[1]) else { return nil }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The start in clock ticks since the system's, which came at `btime`.
    private static let startedAt: Double? = {
        let stat = text("/proc/self/stat") ?? ""
        // The name, the second field, may hold blanks and parentheses.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[end...].split(separator: " ")
        let line = (text("/proc/stat") ?? "").split(separator: "\n")
            .first { $0.hasPrefix("btime ") }
        guard fields.count > 20, let ticks = Double(fields[20]),
            let booted = line.flatMap({ Double($0.dropFirst("btime ".count)) })
        else { return nil }
        return booted + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }()

    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func entries(_ path: String) -> Int? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without the two that stand for folders, and the one that is being read.
        return max(0, count - 3)
    }
}
