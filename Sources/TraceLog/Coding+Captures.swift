import Scheduler
import Traceflow

extension PBCaptureRequest {
    init(_ request: CaptureRequest) {
        self.init()
        firstN = Int32(clamping: request.firstN)
        if let value = request.snaplen { snaplen = Int32(clamping: value) }
        point = request.point?.rawValue ?? ""
        direction = request.direction?.rawValue ?? ""
    }
}

extension CaptureRequest {
    init(_ message: PBCaptureRequest) {
        self.init(
            firstN: Int(message.firstN),
            snaplen: message.hasSnaplen ? Int(message.snaplen) : nil,
            point: Point(rawValue: message.point),
            direction: Direction(rawValue: message.direction))
    }
}

extension PBCaptureArchived {
    init(_ archived: CaptureArchived) {
        self.init()
        attempt = Int32(clamping: archived.report.attempt)
        node = archived.report.node
        sequence = Int32(clamping: archived.report.sequence)
        point = archived.point.rawValue
        let place = archived.place
        file = place.file
        frame = place.frame
        offset = Int64(place.offset)
        length = place.length
        packets = Int64(place.packets)
        checksum = place.checksum
        firstNanoseconds = place.firstNanoseconds
        lastNanoseconds = place.lastNanoseconds
        interfaces = place.interfaces.map { interface in
            .with {
                $0.number = interface.number
                $0.name = interface.name
                $0.link = UInt32(interface.link)
            }
        }
    }
}

extension CaptureArchived {
    init(_ message: PBCaptureArchived) throws {
        guard let point = CaptureRequest.Point(rawValue: message.point) else {
            throw Malformed(what: "unknown capture point")
        }
        self.init(
            report: ReportID(
                attempt: Int(message.attempt), node: message.node, sequence: Int(message.sequence)),
            point: point,
            place: ArchivedCapture(
                file: message.file, frame: message.frame, offset: Int(message.offset),
                length: message.length, packets: Int(message.packets),
                checksum: message.checksum,
                interfaces: try message.interfaces.map { interface in
                    guard let link = UInt16(exactly: interface.link) else {
                        throw Malformed(what: "unknown link type")
                    }
                    return ArchivedCapture.Interface(
                        number: interface.number, name: interface.name, link: link)
                },
                firstNanoseconds: message.firstNanoseconds,
                lastNanoseconds: message.lastNanoseconds))
    }
}

extension PBCapturesExported {
    init(_ exported: CapturesExported) {
        self.init()
        path = exported.path
        packets = Int64(exported.packets)
        captures = exported.captures.map { capture in
            .with {
                $0.trace = capture.trace.rawValue
                $0.position = capture.position
            }
        }
    }
}

extension CapturesExported {
    init(_ message: PBCapturesExported) {
        self.init(
            path: message.path,
            captures: message.captures.map {
                Capture(trace: TraceID($0.trace), position: $0.position)
            }, packets: Int(message.packets))
    }
}

extension PBCapturesPruned {
    init(_ pruned: CapturesPruned) {
        self.init()
        through = pruned.through
        captures = Int64(pruned.captures)
        packets = Int64(pruned.packets)
        reason = pruned.reason
        highestFile = pruned.highestFile
    }
}

extension CapturesPruned {
    init(_ message: PBCapturesPruned) {
        self.init(
            through: message.through, captures: Int(message.captures),
            packets: Int(message.packets), reason: message.reason,
            highestFile: message.highestFile)
    }
}

extension PBCaptureFilePushed {
    init(_ pushed: CaptureFilePushed) {
        self.init()
        file = pushed.file
        archive = pushed.archive
        name = pushed.name
        bytes = pushed.bytes
        digest = .init(pushed.digest)
    }
}

extension CaptureFilePushed {
    init(_ message: PBCaptureFilePushed) {
        self.init(
            file: message.file, archive: message.archive, name: message.name,
            bytes: message.bytes, digest: Array(message.digest))
    }
}

extension PBCaptureUploaded {
    init(_ uploaded: CaptureUploaded) {
        self.init()
        trace = uploaded.trace.rawValue
        attempt = Int32(clamping: uploaded.attempt)
        url = uploaded.url
        if let error = uploaded.error { self.error = error }
    }
}

extension CaptureUploaded {
    init(_ message: PBCaptureUploaded) {
        self.init(
            trace: TraceID(message.trace), attempt: Int(message.attempt), url: message.url,
            error: message.hasError ? message.error : nil)
    }
}
