import API
import ArgumentParser
import Cluster
import Foundation
import JobLog
import Traceflow
import Worker

/// Where the log is.
struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log"),
        help: "The folder of the log (environment: TRACECTL_LOG).", completion: .directory)
    var folder: String?

    var path: String { Self.path(folder) }

    /// The folder that is named, or else the one that is used without a name.
    static func path(_ folder: String?) -> String {
        let environment = ProcessInfo.processInfo.environment
        if let path = folder ?? environment["TRACECTL_LOG"], !path.isEmpty { return path }
        let home = environment["HOME"] ?? NSHomeDirectory()
        let state = environment["XDG_STATE_HOME"] ?? ""
        return (state.isEmpty ? home + "/.local/state" : state) + "/tracectl"
    }

    func reading() throws -> JobLog { try JobLog.openTraces(path, access: .readOnly) }
    func writing() throws -> JobLog { try JobLog.openTraces(path, access: .readWrite) }
    func creating(_ limits: SegmentLimits = SegmentLimits()) throws -> JobLog {
        try JobLog.openTraces(path, access: .create, limits: limits)
    }

    /// The log if there is one.
    func existing() throws -> JobLog? {
        do {
            return try writing()
        } catch let error as JobLogError where error.code == .noLog {
            return nil
        }
    }
}

/// Which cluster answers, and what its Pods send.
struct ClusterOptions: ParsableArguments {
    @Option(
        name: .customLong("cluster"),
        help: ArgumentHelp(
            "Manifests of the cluster: a file, a folder, or - (repeatable; environment:"
                + " TRACECTL_CLUSTER). Without it the cluster last recorded is used.",
            valueName: "path"),
        completion: .file())
    var paths: [String] = []

    @Option(
        help: ArgumentHelp(
            "How packets travel between nodes: encap, noEncap, hybrid or networkPolicyOnly; else"
                + " as a ConfigMap antrea-config says, else encap.", valueName: "mode"))
    var trafficMode: TrafficMode?

    @Flag(
        name: .customLong("wireguard"), inversion: .prefixedNo,
        help: "Traffic between nodes is encrypted by WireGuard; else as antrea-config says.")
    var usesWireGuard: Bool?

    @OptionGroup(title: "Real cluster") var backend: BackendOptions

    @Flag(help: "Refuse kinds and fields that are not understood, instead of warning.")
    var strict = false

    var given: [String] {
        if !paths.isEmpty { return paths }
        let environment = ProcessInfo.processInfo.environment["TRACECTL_CLUSTER"] ?? ""
        return environment.isEmpty ? [] : [environment]
    }

    /// Whether one is named, or a real one is asked.
    var isGiven: Bool { backend.isKubernetes || !given.isEmpty }

    /// What is named or what the real one has now.
    func resources() throws -> [Resource] {
        if backend.isKubernetes {
            guard paths.isEmpty else {
                throw CommandFailure(
                    "--cluster and --backend kubernetes exclude each other: each is a cluster",
                    status: CommandFailure.usage)
            }
            return try LiveCluster.resources(of: backend.client()) + networkChoice()
        }
        let read = try given.flatMap {
            try ManifestReader.read(path: $0, standardInput: standardInput)
        }
        return read + (try networkChoice())
    }

    /// The traffic mode as an object of the cluster; none when none was asked for.
    func networkChoice() throws -> [Resource] {
        guard trafficMode != nil || usesWireGuard != nil else { return [] }
        return [try NetworkChoice(mode: trafficMode, usesWireGuard: usesWireGuard).resource()]
    }

    /// Says what was left out; under `--strict` refuses it.
    func report(_ cluster: Cluster) throws {
        if strict, let unknown = cluster.unknownKinds.first {
            throw Refusal("\(unknown.file):\(unknown.line): \(unknown.kind) is not understood")
        }
        for warning in cluster.warnings { Output.warning("\(warning)") }
    }
}

/// How traces are printed.
struct PrintOptions: ParsableArguments {
    @Flag(name: .customLong("no-color"), help: "No colours (also: NO_COLOR).")
    var noColor = false

    func printer(_ format: TraceFormat, hasHeader: Bool = true) -> TracePrinter {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let mayColor = !noColor && (environment["NO_COLOR"] ?? "").isEmpty
        return TracePrinter(
            format: format, now: Clock.system.now(),
            tree: TreePrinter(
                usesColor: isTerminal && mayColor, width: isTerminal ? Self.columns : nil),
            hasHeader: hasHeader)
    }

    /// Of the terminal; nil where there is none.
    static var columns: Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return Int(size.ws_col)
    }
}

func standardInput() -> String {
    String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
}

extension Duration64: ExpressibleByArgument {
    /// As it would be written, in the largest unit that divides it.
    public var defaultValueDescription: String {
        for (unit, length) in [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000)] {
            if microseconds > 0, microseconds % Int64(length) == 0 {
                return "\(microseconds / Int64(length))\(unit)"
            }
        }
        return "\(Double(microseconds) / 1e6)".replacing(/\.0$/, with: "") + "s"
    }
}

extension MomentArgument: ExpressibleByArgument {}

extension TrafficMode: ExpressibleByArgument {
    public init?(argument: String) { self.init(word: argument) }
}
