import Cluster
import JobLog
import Scheduler
import TraceLog
import Traceflow

/// A request that is not taken: what, where, why.
public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Judges requests and records them: all of them, or none.
public struct RequestRecorder: Sendable {
    public struct Request: Sendable {
        public var manifest: TraceflowManifest
        public var priority: Int
        public var retries: Int

        public init(manifest: TraceflowManifest, priority: Int, retries: Int) {
            self.manifest = manifest
            self.priority = priority
            self.retries = retries
        }
    }

    public struct Recorded: Hashable, Sendable {
        public var id: TraceID
        public var name: String
        /// False when the same request was there already.
        public var isNew: Bool
    }

    /// What the requests are made against.
    public struct Against: Sendable {
        public var clusterDigest: [UInt8]
        public var finder: PathFinder
        public var traffic: [TrafficReference]

        public init(clusterDigest: [UInt8], finder: PathFinder, traffic: [TrafficReference]) {
            self.clusterDigest = clusterDigest
            self.finder = finder
            self.traffic = traffic
        }
    }

    /// Throws the first reason against a request: its schema, then admission, as Antrea has it.
    public static func check(_ requests: [Request], in cluster: Cluster) throws(Refusal) {
        var asked: [String: TraceflowManifest] = [:]
        for request in requests {
            let manifest = request.manifest
            let place = "\(manifest.file):\(manifest.line): \(manifest.title)"
            if let known = asked.updateValue(manifest, forKey: manifest.name),
                known.spec != manifest.spec || known.packetCapture != manifest.packetCapture
            {
                throw Refusal("\(place): metadata.name: given twice with different specs")
            }
            if let capture = manifest.packetCapture {
                if let fault = capture.violation { throw Refusal("\(place): \(fault)") }
                continue
            }
            if let fault = SchemaViolation.first(in: manifest.spec, of: manifest.apiVersion) {
                throw Refusal("\(place): \(fault)")
            }
            for namespace in BlastRadius.namespaces(of: manifest.spec).sorted()
            where cluster.optsOut(namespace: namespace) {
                throw Refusal(
                    "\(place): namespace \(namespace) wants no traces (label"
                        + " \(TracingOptOut.label))")
            }
            let denial = Denial.reason(name: manifest.name, spec: manifest.spec) {
                cluster.podFacts(namespace: $0, name: $1)
            }
            if let denial { throw Refusal("\(place): \(denial.field): \(denial)") }
        }
    }

    private let log: JobLog
    private let coding: TraceCoding

    public init(log: JobLog) {
        self.log = log
        coding = TraceCoding(log: log)
    }

    /// Throws when a name is held by a trace with another spec; tells which are there already.
    public func known(_ requests: [Request]) throws -> [String: TraceID] {
        var known: [String: TraceID] = [:]
        for request in requests {
            let manifest = request.manifest
            let family = StreamFamily.trace.rawValue
            guard let stream = try log.stream(named: manifest.name, family: family) else {
                continue
            }
            guard let first = try log.read(stream: stream).first,
                case .trace(.requested(let held)) = try coding.event(first)
            else {
                // Whether it is the same nobody can tell.
                try log.refuseArchived(stream)
                continue
            }
            guard held.spec == manifest.spec, held.apiVersion == manifest.apiVersion,
                held.packetCapture == manifest.packetCapture
            else {
                throw Refusal(
                    "\(manifest.file):\(manifest.line): \(manifest.title):"
                        + " metadata.name: exists already with another spec; delete it or choose"
                        + " another name")
            }
            known[manifest.name] = TraceID(stream)
        }
        return known
    }

    /// Records the requests whose names are free, in one transaction.
    public func record(_ requests: [Request], against: Against) throws -> [Recorded] {
        while true {
            let known = try known(requests)
            var append = AppendRequest()
            var places: [String: Int] = [:]
            for request in requests where known[request.manifest.name] == nil {
                let name = request.manifest.name
                guard places[name] == nil else { continue }
                places[name] = append.newStreams.count
                append.drafts.append(
                    try coding.draft(
                        .trace(.requested(Self.request(request, against))),
                        stream: .new(append.newStreams.count)))
                append.newStreams.append(
                    NewStream(family: StreamFamily.trace.rawValue, name: name))
            }
            guard let streams = try begin(append) else { continue }
            return requests.compactMap { request in
                let name = request.manifest.name
                if let id = known[name] { return Recorded(id: id, name: name, isNew: false) }
                return places[name].map {
                    Recorded(id: TraceID(streams[$0]), name: name, isNew: true)
                }
            }
        }
    }

    /// The numbers of the new streams; nil when somebody else was faster with a name.
    private func begin(_ request: AppendRequest) throws -> [Int64]? {
        guard !request.drafts.isEmpty else { return [] }
        do {
            return Array(try log.append(request).streams)
        } catch {
            if error.isContention { return nil }
            throw error
        }
    }

    /// The request as it is recorded.
    package static func request(_ request: Request, _ against: Against) -> TraceRequest {
        let manifest = request.manifest
        if let capture = manifest.packetCapture {
            return TraceRequest(
                name: manifest.name, apiVersion: manifest.apiVersion, spec: manifest.spec,
                labels: manifest.labels, annotations: manifest.annotations,
                priority: request.priority, retries: request.retries,
                scope: .of([against.finder.node(of: capture)].compactMap { $0 }),
                clusterDigest: against.clusterDigest, traffic: against.traffic,
                packetCapture: capture)
        }
        let scope: TagScope =
            switch against.finder.footprint(of: manifest.spec) {
            case .nodes(let nodes): .of(nodes)
            case .anyNode: .allNodes
            }
        return TraceRequest(
            name: manifest.name, apiVersion: manifest.apiVersion, spec: manifest.spec,
            labels: manifest.labels, annotations: manifest.annotations, priority: request.priority,
            retries: request.retries, scope: scope, clusterDigest: against.clusterDigest,
            traffic: manifest.spec.isLive ? against.traffic : [])
    }
}
