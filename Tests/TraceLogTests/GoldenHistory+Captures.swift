import Scheduler
import TraceLog
import Traceflow

extension GoldenHistory {
    /// And with packets that are kept.
    static var withCaptures: [LogEvent] {
        var keeping = request
        keeping.spec.capture = CaptureRequest(
            firstN: 65_535, snaplen: 96, point: .both, direction: .destinationToSource)
        var sparing = request
        sparing.spec.capture = CaptureRequest(firstN: 1)
        return withFindings + [
            .trace(.requested(keeping)), .trace(.requested(sparing)),
            .trace(.captureArchived(archived)),
            .captures(
                .exported(
                    CapturesExported(
                        path: "/tmp/a.pcapng",
                        captures: [.init(trace: TraceID(7), position: 1 << 40)], packets: 3))),
            .captures(.exported(CapturesExported(path: "", captures: [], packets: 0))),
        ]
    }

    /// And with PacketCaptures.
    static var withPacketCaptures: [LogEvent] {
        let full = PacketCaptureSpec(
            source: .init(pod: .init(namespace: "n", name: "p")), destination: .init(ip: "fd00::1"),
            firstN: -1, direction: .both, capturePoint: .source, timeout: 7,
            packet: PacketSelection(
                ipFamily: .v6, protocol: .name("tcp"),
                transports: [
                    .tcp(
                        .init(srcPort: 1, dstPort: 2),
                        flags: [.init(value: 2, mask: 18), .init(value: 1)]),
                    .udp(.init(dstPort: 53)), .icmp([]),
                    .icmpv6([
                        .init(type: .number(128), code: 0), .init(type: .name("icmpv6-echo")),
                    ]),
                ]), fileServer: .init(url: "sftp://h:22/", hostPublicKey: "AAAA"))
        var keeping = sweep
        keeping.capture = CaptureRequest(firstN: 2, snaplen: 99, point: .both)
        let plain = PacketCaptureSpec(destination: .init(pod: .init(name: "q")), firstN: 3)
        var retried = request.facts
        retried.isCapture = true
        return withCaptures
            + [full, plain].map { spec in
                .trace(
                    .requested(
                        TraceRequest(
                            name: "packetcapture/c", apiVersion: .v1alpha1, spec: spec.traceflow,
                            scope: .nodes(["n1"]), packetCapture: spec)))
            } + [
                .trace(
                    .retryRequested(
                        Retry(
                            attempt: 2, notBefore: Moment(microseconds: 1), automaticNumber: 0,
                            facts: retried))),
                .captures(
                    .pruned(
                        CapturesPruned(
                            through: 1 << 40, captures: 3, packets: 99, reason: "older than 7d",
                            highestFile: 4))),
                .captures(
                    .filePushed(
                        CaptureFilePushed(
                            file: 12, archive: "s3://b/p", name: "000012.pcapng.lz4",
                            bytes: 1 << 33, digest: [1, 2]))),
                .captures(.fileDropped(file: 12)),
                .captures(
                    .uploaded(
                        CaptureUploaded(
                            trace: TraceID(7), attempt: 2, url: "sftp://h:22/c.pcapng"))),
                .captures(
                    .uploaded(
                        CaptureUploaded(
                            trace: TraceID(7), attempt: 2, url: "sftp://h:22/", error: "no"))),
                .sweep(.requested(keeping)),
            ]
    }

    /// And with a real cluster, which allots tags and tells who changed what.
    static var withARealCluster: [LogEvent] {
        var pod = ResourceReference(
            apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", namespace: "shop",
            name: "web", digest: [7])
        pod.change = .init(manager: "kubectl-edit", at: Moment(microseconds: 1_790_000_000_000_000))
        return withMetadata + [
            .trace(.begun(attempt: 3, at: Moment(microseconds: 1_790_000_000_500_000))),
            .clusterObserved(
                ClusterObserved(digest: [8], appeared: [], changed: [pod], vanished: [])),
        ]
    }

    static var archived: CaptureArchived {
        CaptureArchived(
            report: ReportID(attempt: 2, node: "n1", sequence: 3), point: .destination,
            place: ArchivedCapture(
                file: 12, frame: 1 << 33, offset: 65_432, length: 1 << 34, packets: 65_535,
                checksum: 0xFEDC_BA98_7654_3210,
                interfaces: [
                    .init(number: 0, name: "n1/default/web", link: 1),
                    .init(number: 4_000_000_000, name: "", link: 276),
                ], firstNanoseconds: -5, lastNanoseconds: 1_790_000_000_123_456_789))
    }
}
