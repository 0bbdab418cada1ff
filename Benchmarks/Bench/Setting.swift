import Foundation

/// How much a run may take, and where its parts are.
struct Setting: Sendable {
    var isQuick = false
    /// The built command line, for scenarios with processes.
    var tracectl = ".build/release/tracectl"
    /// The library that counts syncs.
    var countsync = ".build/bench/countsync.so"
    /// Where logs are made; on the file system that is to be measured.
    var folder = ".build/bench/scratch"
    /// Events a transaction in `append`.
    var batches = [1, 10, 100, 1000, 10_000]
    /// The manifests of the embedded demo.
    var manifests = "Sources/tracectl/Scenarios"
    /// Slots that another program said, for ten years.
    var slots = "Tests/WorkerTests/Fixtures/cron-slots.txt"

    /// Takes the options off the arguments; what is left are names.
    init(_ arguments: inout [String]) throws {
        var names: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--quick": isQuick = true
            case "--tracectl": tracectl = try Self.value(of: argument, &rest)
            case "--countsync": countsync = try Self.value(of: argument, &rest)
            case "--folder": folder = try Self.value(of: argument, &rest)
            case "--batch": batches = [Int(try Self.value(of: argument, &rest)) ?? 1]
            default: names.append(argument)
            }
        }
        arguments = names
    }

    private static func value(
        of option: String, _ rest: inout ArraySlice<String>
    ) throws -> String {
        guard let value = rest.popFirst() else { throw BenchError("\(option) needs a value") }
        return value
    }

    /// Seconds that one case may take.
    var seconds: Double { pick(quick: 0.4, full: 2) }

    func pick<T>(quick: T, full: T) -> T { isQuick ? quick : full }

    /// An empty place for a log.
    func newFolder(_ name: String) throws -> String {
        let path = folder + "/" + name
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        return path
    }

    func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// Bytes of all files in the folder.
    static func bytes(in path: String) throws -> Int {
        var sum = 0
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
            if attributes[.type] as? FileAttributeType == .typeRegular {
                sum += (attributes[.size] as? NSNumber)?.intValue ?? 0
            }
        }
        return sum
    }
}
