import JobLog
import Scheduler
import TraceLog
import Traceflow
import Worker

extension Simulation {
    /// Somebody asks for something.
    func act(_ client: Client) throws {
        guard !client.isBusy else {
            queue.put(.act(client: client.number), at: time.now + 1_000_000)
            return
        }
        client.isBusy = true
        weather.hasStruck = false
        let wasFull = weather.bad.contains(.diskFull)
        actor = Author(name: client.name)
        do {
            try ask(client)
            client.isBusy = false
        } catch {
            client.isBusy = false
            guard !(error is Violation) else { throw error }
            narrator.say("\(client.name) fails: \(error)")
            let isFull = wasFull || weather.bad.contains(.diskFull)
            let isDead = client.process?.isDead ?? true
            guard isDead || weather.hasStruck || isFull else {
                throw Violation("\(client.name) failed without a cause: \(error)")
            }
            leave(client)
        }
        if client.isCommand { leave(client) }
    }

    private func leave(_ client: Client) {
        mayOvertake = false
        client.leave()
        mayOvertake = true
    }

    private func ask(_ client: Client) throws {
        if client.process == nil {
            client.incarnation += 1
            actor = Author(name: client.name)
            client.process = disk.startProcess()
        }
        guard let process = client.process else { return }
        let log = try client.log ?? openLog(process, client.clock)
        let coding = client.coding ?? TraceCoding(log: log)
        (client.log, client.coding) = (log, coding)
        if plan.sabotage == .rogueDecider { try endAsNobody(log, coding) }
        switch load.below(100) {
        case ..<35: try request(client, log, coding, count: 1 + load.below(25), isNamed: false)
        case ..<65: try request(client, log, coding, count: 1 + load.below(3), isNamed: true)
        case ..<75: try change(.cancel, client, log, coding)
        case ..<83: try change(.delete, client, log, coding)
        case ..<88: try change(.retry, client, log, coding)
        case ..<94: try askForSchedule(client, log, coding)
        case ..<97: try askForSweep(client, log, coding)
        case ..<98: try cancelSweep(client, log)
        case _: try Settlement.settle(log, clock: client.clock, holder: client.name)
        }
    }

    // MARK: requests

    private func request(
        _ client: Client, _ log: JobLog, _ coding: TraceCoding, count: Int, isNamed: Bool
    ) throws {
        requestsMade += 1
        var append = AppendRequest()
        var template = traceRequest("t")
        template.labels = ["app": "a", "tier": "b", "zone": "c"]
        for index in 0..<count {
            var request = load.happens(300) ? traceRequest("t") : template
            if isNamed {
                let name =
                    !doubtful.isEmpty && load.happens(300)
                    ? doubtful[load.below(doubtful.count)] : "t\(requestsMade)-\(index)"
                guard !append.newStreams.contains(where: { $0.name == name }) else { continue }
                request.naming = .given(name)
                append.newStreams.append(NewStream(family: "trace", name: name))
            } else {
                // Of a sweep that nobody knows, whose number no stream will ever have.
                request.naming = .member(
                    sweep: 1 << 40 + Int64(requestsMade), number: Int64(index))
                append.newStreams.append(NewStream(family: "trace"))
            }
            append.drafts.append(
                try coding.draft(
                    .trace(.requested(request)), stream: .new(append.newStreams.count - 1)))
        }
        narrator.say("\(client.name) asks for \(append.drafts.count)")
        let before = witness.ledger.last
        do {
            let appended = try log.append(append)
            witness.acknowledge(append.drafts, at: appended.positions, streams: appended.streams)
            for (stream, made) in zip(append.newStreams, appended.streams) {
                known.append((made, stream.name ?? ""))
            }
        } catch {
            if error.code == .nameTaken { return try checkRefusal(of: append, after: before) }
            if plan.sabotage == .falseAcknowledgement, error.code == .diskFull {
                let run = NumberRun(start: witness.ledger.last + 1, count: append.drafts.count)
                witness.acknowledge(append.drafts, at: run, streams: run)
            }
            doubtful += append.newStreams.compactMap(\.name)
            throw error
        }
    }

    /// A name is refused only while somebody has it.
    private func checkRefusal(of append: AppendRequest, after position: Int64) throws {
        try settleWitness()
        let names = witness.ledger.names
        let isHeld = append.newStreams.contains {
            names.wasHeld($0.name ?? "", after: position)
        }
        guard witness.isOpen, !isHeld else { return }
        throw Violation("a name was refused that nobody has")
    }

    private func traceRequest(_ name: String) -> TraceRequest {
        let source = "n\(load.below(plan.nodes))"
        let target = "n\(load.below(plan.nodes))"
        let isLive = load.happens(150)
        var request = TraceRequest(
            name: name, apiVersion: .v1beta1,
            spec: TraceflowSpec(
                source: load.happens(950)
                    ? .init(namespace: "t", pod: source) : .init(ip: "10.0.0.1"),
                destination: .init(namespace: "t", pod: target),
                liveTraffic: isLive ? true : nil,
                droppedOnly: isLive && load.happens(500) ? true : nil,
                timeout: load.happens(100) ? nil : 1 + load.below(8)))
        request.priority = load.happens(700) ? 5 : load.below(10)
        request.retries = load.happens(600) ? 0 : 1 + load.below(3)
        request.scope = load.happens(100) ? .allNodes : .of([source, target])
        return request
    }

    // MARK: changes of what is there

    private enum Change { case cancel, delete, retry }

    private func change(
        _ change: Change, _ client: Client, _ log: JobLog, _ coding: TraceCoding
    ) throws {
        guard !known.isEmpty else { return }
        // Mostly the young, which may still wait or run.
        let back = load.below(load.happens(500) ? known.count : min(30, known.count))
        let (id, name) = known[known.count - 1 - back]
        narrator.say("\(client.name) asks to \(change) \(id)")
        let wanted: ChangeRecorder.Change =
            switch change {
            case .cancel: .cancel
            case .retry: .retry
            case .delete: .delete(name: name)
            }
        let recorded = try ChangeRecorder(log: log, clock: client.clock)
            .record(wanted, of: TraceID(id))
        guard let recorded else { return }
        witness.acknowledge(
            recorded.drafts, at: recorded.appended.positions, streams: recorded.appended.streams)
        if change != .retry, client.isCommand {
            try Settlement.settle(log, clock: client.clock, holder: client.name)
        }
    }
}
