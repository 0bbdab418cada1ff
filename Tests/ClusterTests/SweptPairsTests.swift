import Testing
import Traceflow

@testable import Cluster

/// Which pairs a sweep traces, in which order, and what stands for what.
struct SweptPairsTests {
    static func ends(_ nodes: [Int], identities: Bool = true) -> [PairOrder.End] {
        nodes.enumerated().map { .init(node: "n\($1)", identity: identities ? $0 : nil) }
    }

    /// From a seed: lists of ends on a few nodes, some in both lists.
    @Test(arguments: 1...60)
    func everyPairComesOnceAndAnyStretchIsFoundByItself(seed: UInt64) {
        var random = Dice(seed: seed)
        func list(_ count: Int) -> [PairOrder.End] {
            (0..<count).map { number in
                .init(
                    node: "n\(number % (1 + Int(seed % 5)))",
                    identity: random.roll(4) == 0 ? nil : number)
            }
        }
        let (sources, destinations) = (list(random.roll(30)), list(random.roll(30)))
        let order = PairOrder(sources: sources, destinations: destinations)
        let all = order.pairs(0..<order.count)
        var expected: Set<PairOrder.Pair> = []
        for (from, source) in sources.enumerated() {
            for (to, destination) in destinations.enumerated()
            where source.identity == nil || source.identity != destination.identity {
                expected.insert(.init(source: from, destination: to))
            }
        }
        #expect(all.count == expected.count, "seed \(seed)")
        #expect(Set(all) == expected, "seed \(seed)")
        for _ in 0..<20 where order.count > 0 {
            let first = Int64(random.roll(Int(order.count)))
            let last = first + Int64(random.roll(Int(order.count - first))) + 1
            #expect(order.pairs(first..<last) == Array(all[Int(first)..<Int(last)]))
        }
    }

    @Test(arguments: [8, 7])
    func aRoundGoesOverAllPairsOfNodesInMatchings(count: Int) {
        let ends = Self.ends((0..<5 * count).map { $0 % count })
        let pairs = PairOrder(sources: ends, destinations: ends).pairs(0..<Int64(count * count))
        let nodes = pairs.map { [ends[$0.source].node, ends[$0.destination].node] }
        #expect(Set(nodes).count == count * count)
        // There: as many matchings as an even number of nodes has days, each of every node once.
        let size = (count + 1) / 2
        for first in stride(from: 0, to: (count % 2 == 0 ? count - 1 : count) * size, by: size) {
            let matching = nodes[first..<first + size].flatMap { Set($0) }
            #expect(Set(matching).count == matching.count)
            #expect(matching.count == count)
        }
    }

    @Test func aPodMakesNoPairWithItselfAndSelectorsBoundBothSides() throws {
        let cluster = try Small.cluster(Town.documents)
        let all = try cluster.sweptPairs(byClasses: false, portCount: 2)
        // Five Pods receive; the one of the host network cannot send.
        #expect(all.cellCount == 16)
        #expect(all.memberCount == 32)
        #expect(try cluster.podsThatCannotSend() == ["ops/agent (host network)"])
        let some = try cluster.sweptPairs(
            from: "app=web", to: "metadata.namespace=shop", byClasses: false, portCount: 1)
        let pairs = some.members(0..<some.memberCount).map {
            "\(some.pods[$0.pair.source]) \(some.pods[$0.pair.destination])"
        }
        #expect(
            Set(pairs) == ["shop/web shop/db", "lab/toy shop/web", "lab/toy shop/db"])
        #expect(throws: PairError.self) {
            try cluster.sweptPairs(from: "a=b=c", byClasses: false, portCount: 1)
        }
    }

    @Test(arguments: ["", ", nodeName: \"\""])
    func aPodThatWaitsForANodeCannotSend(node: String) throws {
        let cluster = try Small.cluster([
            "{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDR: 10.0.1.0/24}}",
            """
            {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: t}, spec: {a: b\(node)},
             status: {podIP: 10.0.1.1}}
            """,
        ])
        #expect(try cluster.podsThatCannotSend() == ["t/a (no node)"])
    }

    @Test func portsOfAPairComeOneAfterTheOther() throws {
        let pairs = try Small.cluster(Town.documents).sweptPairs(byClasses: false, portCount: 3)
        let all = pairs.members(0..<pairs.memberCount)
        #expect(all.map(\.port) == all.indices.map { $0 % 3 })
        #expect(pairs.members(4..<9).map(\.pair) == all[4..<9].map(\.pair))
    }

    /// On random towns: the traced pairs stand for every pair once, and for none wrongly.
    @Test(arguments: RandomTownTests.parts(of: 400))
    func whatIsTracedStandsForPairsWithTheSameVerdict(seeds: Range<UInt64>) throws {
        for seed in seeds {
            let cluster = try Small.cluster(RandomTown(seed: seed).documents)
            let swept = try cluster.sweptPairs(byClasses: true, portCount: 1)
            let names = swept.pods
            let matrix = try cluster.reachability(
                from: names, to: names, on: RandomTownTests.ports)
            var covered: Set<SweptPairs.Pair> = []
            for (traced, _) in swept.members(0..<swept.memberCount) {
                let cells = swept.cells(of: traced)
                #expect(cells.contains(traced), "seed \(seed)")
                for cell in cells {
                    #expect(covered.insert(cell).inserted, "seed \(seed)")
                    for port in RandomTownTests.ports.indices {
                        #expect(
                            matrix.verdict(cell.source, cell.destination, port: port)
                                == matrix.verdict(traced.source, traced.destination, port: port),
                            "seed \(seed): \(names[cell.source]) \(names[cell.destination])")
                    }
                }
            }
            #expect(Int64(covered.count) == swept.cellCount, "seed \(seed)")
        }
    }

    @Test func aTemplatesPodsAreOneClassOnANode() throws {
        let pods = (0..<6).map { number in
            Town.pod(
                "shop", "web-\(number)", "10.0.\(1 + number % 2).\(20 + number)",
                "{app: web}", "http, containerPort: 80")
        }
        let cluster = try Small.cluster(Town.documents + pods)
        let classes = try cluster.sweptPairs(
            from: "app=web,metadata.namespace=shop", to: "app=web,metadata.namespace=shop",
            byClasses: true, portCount: 1)
        // Three on each node, and one that is there already with another port's number.
        #expect(classes.cellCount == 42)
        #expect(classes.memberCount < 12)
    }

    private struct Dice {
        var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
        mutating func roll(_ sides: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return sides == 0 ? 0 : Int(state % UInt64(sides))
        }
    }
}
