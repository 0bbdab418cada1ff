import Scheduler
import Traceflow

extension PBTagScope {
    init(_ scope: TagScope) {
        self.init()
        switch scope {
        case .nodes(let nodes): self.nodes = nodes
        case .allNodes: break
        }
    }

    var scope: TagScope { nodes.isEmpty ? .allNodes : .nodes(nodes) }
}

extension PBSchedulingFacts {
    init(_ facts: SchedulingFacts) {
        self.init()
        priority = Int32(clamping: facts.priority)
        retries = Int32(clamping: facts.retries)
        scope = PBTagScope(facts.scope)
        timeoutSeconds = Int64(facts.timeoutSeconds)
        droppedOnly = facts.droppedOnly
        needsSender = facts.needsSender
        if let sweep = facts.sweep { self.sweep = sweep.rawValue }
        if let schedule = facts.schedule { self.schedule = schedule.rawValue }
        isCapture = facts.isCapture
    }

    var facts: SchedulingFacts {
        SchedulingFacts(
            priority: Int(priority), retries: Int(retries), scope: scope.scope,
            timeoutSeconds: Int(timeoutSeconds), droppedOnly: droppedOnly,
            needsSender: needsSender, sweep: sweep > 0 ? SweepID(sweep) : nil,
            schedule: schedule > 0 ? ScheduleID(schedule) : nil, isCapture: isCapture)
    }
}

extension PBTraceRequested {
    init(_ request: TraceRequest) {
        self.init()
        switch request.naming {
        case .given(let name): self.name = name
        case .member(let sweep, let number):
            self.sweep = sweep
            member = number
        case .slot(let schedule, let name, let moment):
            self.schedule = schedule.rawValue
            self.name = name
            slotMicroseconds = moment.microseconds
        }
        apiVersion =
            switch request.apiVersion {
            case .v1alpha1: .v1Alpha1
            case .v1beta1: .v1Beta1
            }
        spec = PBSpec(request.spec)
        labels = request.labels
        annotations = request.annotations
        priority = Int32(clamping: request.priority)
        retries = Int32(clamping: request.retries)
        scope = PBTagScope(request.scope)
        if let digest = request.clusterDigest { clusterDigest = .init(digest) }
        if let capture = request.packetCapture { packetCapture = PBPacketCapture(capture) }
        traffic = request.traffic.map { reference in
            .with {
                $0.path = reference.path
                $0.digest = .init(reference.digest)
            }
        }
    }
}

extension TraceRequest {
    init(_ message: PBTraceRequested) throws {
        let version: APIVersion =
            switch message.apiVersion {
            case .v1Alpha1: .v1alpha1
            case .v1Beta1: .v1beta1
            case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown API version")
            }
        self.init(
            name: message.name, apiVersion: version, spec: TraceflowSpec(message.spec),
            labels: message.labels, annotations: message.annotations,
            priority: Int(message.priority), retries: Int(message.retries),
            scope: message.scope.scope,
            clusterDigest: message.hasClusterDigest ? Array(message.clusterDigest) : nil,
            traffic: message.traffic.map {
                TrafficReference(path: $0.path, digest: Array($0.digest))
            },
            packetCapture: message.hasPacketCapture
                ? try PacketCaptureSpec(message.packetCapture) : nil)
        naming = TraceName(message)
    }
}

extension TraceName {
    init(_ message: PBTraceRequested) {
        if message.sweep > 0 {
            self = .member(sweep: message.sweep, number: message.member)
        } else if message.schedule > 0 {
            self = .slot(
                schedule: ScheduleID(message.schedule), name: message.name,
                at: Moment(microseconds: message.slotMicroseconds))
        } else {
            self = .given(message.name)
        }
    }
}

extension PBTagAllocated {
    init(_ allocation: TagAllocation) {
        self.init()
        attempt = Int32(clamping: allocation.attempt)
        tag = Int32(clamping: allocation.tag)
        scope = PBTagScope(allocation.scope)
        executor = allocation.executor
        deadlineMicroseconds = allocation.deadline.microseconds
    }
}

extension TagAllocation {
    init(_ message: PBTagAllocated) {
        self.init(
            attempt: Int(message.attempt), tag: Int(message.tag), scope: message.scope.scope,
            executor: message.executor,
            deadline: Moment(microseconds: message.deadlineMicroseconds))
    }
}

extension PBRetryRequested {
    init(_ retry: Retry) {
        self.init()
        attempt = Int32(clamping: retry.attempt)
        notBeforeMicroseconds = retry.notBefore.microseconds
        automaticNumber = Int32(clamping: retry.automaticNumber)
        facts = PBSchedulingFacts(retry.facts)
    }
}

extension Retry {
    init(_ message: PBRetryRequested) {
        self.init(
            attempt: Int(message.attempt),
            notBefore: Moment(microseconds: message.notBeforeMicroseconds),
            automaticNumber: Int(message.automaticNumber), facts: message.facts.facts)
    }
}

extension PBTagProfileChanged {
    init(_ profile: TagProfile) {
        self.init()
        switch profile {
        case .antrea: kind = .antrea
        case .perNode: kind = .perNode
        case .external(let reserve, let foreign):
            kind = .external
            self.reserve = Int32(clamping: reserve)
            self.foreign = Int32(clamping: foreign)
        }
    }
}

extension TagProfile {
    init(_ message: PBTagProfileChanged) throws {
        switch message.kind {
        case .antrea: self = .antrea
        case .perNode: self = .perNode
        case .external:
            self = .external(reserve: Int(message.reserve), foreign: Int(message.foreign))
        case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown tag profile")
        }
    }
}

extension PBClusterObserved {
    init(_ observed: ClusterObserved) {
        self.init()
        digest = .init(observed.digest)
        appeared = observed.appeared.map(PBResourceReference.init)
        changed = observed.changed.map(PBResourceReference.init)
        vanished = observed.vanished.map(PBResourceReference.init)
        isWhole = observed.isWhole
    }
}

extension PBResourceReference {
    init(_ reference: ResourceReference) {
        self.init()
        apiVersion = reference.apiVersion
        kind = reference.kind
        namespace = reference.namespace
        name = reference.name
        digest = .init(reference.digest)
        if let change = reference.change {
            changedBy = change.manager
            changedAtMicroseconds = change.at.microseconds
        }
    }

    var reference: ResourceReference {
        ResourceReference(
            apiVersion: apiVersion, kind: kind, namespace: namespace, name: name,
            digest: Array(digest),
            change: changedBy.isEmpty
                ? nil : .init(manager: changedBy, at: Moment(microseconds: changedAtMicroseconds)))
    }
}

extension ClusterObserved {
    init(_ message: PBClusterObserved) {
        self.init(
            digest: Array(message.digest), appeared: message.appeared.map(\.reference),
            changed: message.changed.map(\.reference), vanished: message.vanished.map(\.reference),
            isWhole: message.isWhole)
    }
}

extension PBSegmentArchived {
    init(_ archived: SegmentArchived) {
        self.init()
        segment = archived.segment
        bytes = archived.bytes
        archivedBytes = archived.archivedBytes
        digest = .init(archived.digest)
        folder = archived.folder
    }
}

extension SegmentArchived {
    init(_ message: PBSegmentArchived) {
        self.init(
            segment: message.segment, bytes: message.bytes, archivedBytes: message.archivedBytes,
            digest: Array(message.digest), folder: message.folder)
    }
}
