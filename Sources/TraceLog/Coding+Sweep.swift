import Scheduler
import Traceflow

extension PBSweepRequested {
    init(_ request: SweepRequest) {
        self.init()
        if let name = request.name { self.name = name }
        labels = request.labels
        if let selector = request.pairs.from { from = selector }
        if let selector = request.pairs.to { to = selector }
        ports = request.pairs.ports.map { port in
            .with {
                $0.protocol = port.protocol
                $0.number = Int32(clamping: port.number)
            }
        }
        prefersV6 = request.pairs.prefersV6
        coverage =
            switch request.pairs.coverage {
            case .pairs: .pairs
            case .classes: .classes
            }
        priority = Int32(clamping: request.priority)
        retries = Int32(clamping: request.retries)
        timeoutSeconds = Int64(request.timeoutSeconds)
        if let openMax = request.openMax { self.openMax = Int64(openMax) }
        if let interval = request.intervalMicroseconds { intervalMicroseconds = interval }
        clusterDigest = .init(request.clusterDigest)
        total = request.total
        cells = request.cells
        if let schedule = request.schedule { self.schedule = schedule.rawValue }
        if let capture = request.capture { self.capture = PBCaptureRequest(capture) }
    }
}

extension SweepRequest {
    init(_ message: PBSweepRequested) throws {
        let coverage: SweepPairs.Coverage =
            switch message.coverage {
            case .pairs: .pairs
            case .classes: .classes
            case .unspecified, .UNRECOGNIZED: throw Malformed(what: "unknown coverage")
            }
        let bound = SweepRequest.totalMax
        self.init(
            name: message.hasName ? message.name : nil, labels: message.labels,
            pairs: SweepPairs(
                from: message.hasFrom ? message.from : nil, to: message.hasTo ? message.to : nil,
                ports: message.ports.map {
                    SweepPairs.Port(protocol: $0.protocol, number: Int($0.number))
                }, prefersV6: message.prefersV6, coverage: coverage),
            priority: Int(message.priority), retries: Int(message.retries),
            timeoutSeconds: Int(try message.timeoutSeconds.within(0...65_535, "timeout")),
            openMax: message.hasOpenMax
                ? Int(try message.openMax.within(1...bound, "open_max")) : nil,
            intervalMicroseconds: message.hasIntervalMicroseconds
                ? try message.intervalMicroseconds.within(1...SweepRequest.intervalMax, "interval")
                : nil,
            clusterDigest: Array(message.clusterDigest),
            total: try message.total.within(0...bound, "total"),
            cells: try message.cells.within(0...bound, "cells"),
            schedule: message.schedule > 0 ? ScheduleID(message.schedule) : nil,
            capture: message.hasCapture ? CaptureRequest(message.capture) : nil)
    }
}

extension PBSweepTally {
    init(_ tally: SweepTally) {
        self.init()
        delivered = Int64(tally.delivered)
        dropped = Int64(tally.dropped)
        rejected = Int64(tally.rejected)
        forwardedOut = Int64(tally.forwardedOut)
        lost = Int64(tally.lost)
        unknown = Int64(tally.unknown)
        failed = Int64(tally.failed)
    }
}

extension SweepTally {
    init(_ message: PBSweepTally) {
        self.init()
        delivered = Int(message.delivered)
        dropped = Int(message.dropped)
        rejected = Int(message.rejected)
        forwardedOut = Int(message.forwardedOut)
        lost = Int(message.lost)
        unknown = Int(message.unknown)
        failed = Int(message.failed)
    }
}

extension PBSweepLife {
    init(_ sweep: SchedulerSnapshot.Sweep) {
        self.init()
        stream = sweep.id.rawValue
        request = PBSweepRequested(sweep.life.request)
        expanded = sweep.life.expanded
        self.open = Int64(sweep.life.open)
        tally = PBSweepTally(sweep.life.tally)
        isCancelled = sweep.life.isCancelled
        if let moment = sweep.life.nextAt { nextAtMicroseconds = moment.microseconds }
    }
}

extension SchedulerSnapshot.Sweep {
    init(_ message: PBSweepLife) throws {
        self.init(
            id: SweepID(message.stream),
            life: SweepLife(
                request: try SweepRequest(message.request),
                expanded: try message.expanded.within(0...SweepRequest.totalMax, "expanded"),
                open: Int(try message.open.within(0...SweepRequest.chunkMax, "open")),
                tally: SweepTally(message.tally),
                isCancelled: message.isCancelled,
                nextAt: message.hasNextAtMicroseconds
                    ? Moment(microseconds: message.nextAtMicroseconds) : nil))
    }
}
