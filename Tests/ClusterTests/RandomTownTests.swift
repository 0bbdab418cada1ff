import Cluster
import Testing
import Traceflow

/// What holds in every cluster, on thousands of random ones; a failure names its seed.
struct RandomTownTests {
    static let ports = [
        Reachability.Port(protocol: "TCP", number: 80),
        Reachability.Port(protocol: "UDP", number: 81),
    ]

    /// Ranges of seeds, so that the parts can run beside each other.
    static func parts(of count: Int) -> [Range<UInt64>] {
        stride(from: 0, to: UInt64(count), by: count / 4).map { $0..<($0 + UInt64(count / 4)) }
    }

    /// Every pair's answer as one text of ones and zeros.
    static func picture(_ cluster: Cluster) throws -> String {
        let matrix = try cluster.reachability(on: ports)
        var text = ""
        for source in matrix.sources.indices {
            for destination in matrix.destinations.indices {
                for port in ports.indices {
                    text += matrix.allows(source, destination, port: port) ? "1" : "0"
                }
            }
        }
        return text
    }

    static func verdict(_ finder: PathFinder, _ question: PairQuestion) -> Verdict {
        let (source, destination) = (question.source, question.destination)
        func end(_ name: String) -> (String, String) {
            let parts = name.split(separator: "/").map(String.init)
            return (parts[0], parts[1])
        }
        let header =
            question.protocol == "TCP"
            ? TransportHeader(tcp: TCPHeader(dstPort: question.port))
            : TransportHeader(udp: UDPHeader(dstPort: question.port))
        let spec = TraceflowSpec(
            source: .init(namespace: end(source).0, pod: end(source).1),
            destination: .init(namespace: end(destination).0, pod: end(destination).1),
            packet: Packet(transportHeader: header))
        let reports = finder.reports(
            for: spec, version: .v1beta1, traffic: [], choose: { _ in 0 })
        let results = reports.compactMap { report -> NodeResult? in
            guard case .observed(let steps, _) = report.content else { return nil }
            return NodeResult(node: report.node, timestamp: 0, observations: steps)
        }
        return Completion.verdict(of: results)
    }

    @Test(arguments: parts(of: 1200))
    func queryMatrixAndTraceAgreeOnEveryPair(seeds: Range<UInt64>) throws {
        for seed in seeds {
            let cluster = try Small.cluster(RandomTown(seed: seed).documents)
            let matrix = try cluster.reachability(on: Self.ports)
            let finder = PathFinder(cluster: cluster)
            for (from, source) in matrix.sources.enumerated() {
                for (to, destination) in matrix.destinations.enumerated() where from != to {
                    for (number, port) in Self.ports.enumerated() {
                        let question = PairQuestion(
                            source: source, destination: destination, protocol: port.protocol,
                            port: port.number)
                        let answer = try cluster.answer(question)
                        #expect(
                            answer.allowed == matrix.allows(from, to, port: number),
                            "seed \(seed): \(source) \(destination) \(port)")
                        // A trace asks in IPv4, of Pods that send from an address of their own.
                        let told = Self.verdict(finder, question)
                        if told != .unknown {
                            #expect(
                                told == answer.verdict || told == .forwardedOutOfNetwork,
                                "seed \(seed): \(source) \(destination) \(port)")
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: parts(of: 1000))
    func aFurtherRuleOfANetworkPolicyNeverClosesAPair(seeds: Range<UInt64>) throws {
        for seed in seeds {
            let town = RandomTown(seed: seed)
            var before = town
            var after = town
            let plain = before.networkPolicy(9, rule: nil)
            let further = after.networkPolicy(9, rule: "{ports: [{port: 80}]}")
            // Without policyTypes a first egress rule would isolate as well.
            guard plain.contains("policyTypes") else { continue }
            let closed = zip(
                try Self.picture(Small.cluster(town.documents + [plain])),
                try Self.picture(Small.cluster(town.documents + [further]))
            ).contains { $0 == "1" && $1 == "0" }
            #expect(!closed, "seed \(seed)")
        }
    }

    @Test(arguments: parts(of: 600))
    func renamingLabelsConsistentlyChangesNothing(seeds: Range<UInt64>) throws {
        for seed in seeds {
            #expect(
                try Self.picture(Small.cluster(RandomTown(seed: seed).documents))
                    == Self.picture(Small.cluster(RandomTown(seed: seed, mark: "z").documents)),
                "seed \(seed)")
        }
    }

    @Test(arguments: parts(of: 600))
    func takingInOneChangeEqualsCompilingAfresh(seeds: Range<UInt64>) throws {
        for seed in seeds {
            var town = RandomTown(seed: seed)
            var documents = town.documents
            var cluster = try Small.cluster(documents)
            var chance = Chance(seed: seed &+ 1_000_000)
            for step in 0..<4 {
                let isPod = chance.happens(1, in: 2)
                let kind = isPod ? "kind: Pod" : "Policy"
                let places = documents.indices.filter { documents[$0].contains(kind) }
                switch chance.below(3) {
                case 0:
                    let new = isPod ? town.pod(20 + step) : town.policy(20 + step)
                    // Pods come before policies, as a new one comes behind the others.
                    documents.append(new)
                    try cluster.apply(Small.resources([new]))
                case 1:
                    guard let place = places.last else { continue }
                    let old = documents.remove(at: place)
                    try cluster.apply([], removing: Small.resources([old]))
                default:
                    guard isPod, let place = places.first else { continue }
                    let number =
                        (documents[place].split(separator: "name: p").dropFirst().first)
                        .flatMap { $0.split(separator: ",").first }.flatMap { Int($0) } ?? 0
                    documents[place] = town.pod(number)
                    try cluster.apply(Small.resources([documents[place]]))
                }
                #expect(
                    try Self.picture(cluster) == Self.picture(Small.cluster(documents)),
                    "seed \(seed), step \(step)")
            }
        }
    }
}
