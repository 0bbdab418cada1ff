import Traceflow

/// The pairs of Pods that a sweep traces, by number, and which pairs each stands for.
///
/// A member is a pair on a port, ports fastest. Under `classes` a pair of `PodClasses` is traced
/// once, by the first Pods of both.
public struct SweptPairs: Sendable {
    /// Pods, as `namespace/name` in order; they are what sources and destinations are places in.
    public let pods: [String]
    /// Those that traces start at, and those that they go to: places in `pods`, in order.
    public let sources: [Int]
    public let destinations: [Int]
    public let portCount: Int
    /// How many pairs are traced on each port.
    public var count: Int64 { order.count }
    /// How many pairs they stand for.
    public let cellCount: Int64

    /// What is traced as one: its Pods, which the sweep may start at and end at.
    private struct Unit: Sendable {
        var sources: [Int] = []
        var destinations: [Int] = []
    }

    private let units: [Unit]
    private let sourceUnits: [Int]
    private let destinationUnits: [Int]
    private let order: PairOrder
    private let unitOfPod: [Int]
    private let nodeOfPod: [Int]

    /// A traced pair: places in `pods`.
    public struct Pair: Hashable, Sendable {
        public var source: Int
        public var destination: Int
    }

    fileprivate init(
        pods: [String], nodes: [String], sources: Set<Int>, destinations: Set<Int>,
        unitOfPod: [Int], portCount: Int
    ) {
        var units = (0..<(unitOfPod.max().map { $0 + 1 } ?? 0)).map { _ in Unit() }
        for pod in pods.indices {
            if sources.contains(pod) { units[unitOfPod[pod]].sources.append(pod) }
            if destinations.contains(pod) { units[unitOfPod[pod]].destinations.append(pod) }
        }
        func end(_ number: Int, _ pods: [Int]) -> PairOrder.End {
            // One Pod alone makes no pair with itself; of several the first two do.
            let unit = units[number]
            let isAlone = unit.sources.count == 1 && unit.sources == unit.destinations
            return PairOrder.End(node: nodes[pods[0]], identity: isAlone ? number : nil)
        }
        sourceUnits = units.indices.filter { !units[$0].sources.isEmpty }
        destinationUnits = units.indices.filter { !units[$0].destinations.isEmpty }
        order = PairOrder(
            sources: sourceUnits.map { end($0, units[$0].sources) },
            destinations: destinationUnits.map { end($0, units[$0].destinations) })
        self.pods = pods
        self.sources = sources.sorted()
        self.destinations = destinations.sorted()
        self.units = units
        self.unitOfPod = unitOfPod
        let names = Set(nodes).sorted()
        let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        nodeOfPod = nodes.map { numbers[$0] ?? 0 }
        self.portCount = portCount
        let both = sources.intersection(destinations).count
        cellCount = Int64(sources.count) * Int64(destinations.count) - Int64(both)
    }

    /// A number for the node of the Pod, the same for all Pods on it.
    public func node(of pod: Int) -> Int { nodeOfPod[pod] }

    /// How many traces the sweep has.
    public var memberCount: Int64 { count * Int64(portCount) }

    /// The pairs of these members, and their places in the list of ports.
    public func members(_ range: Range<Int64>) -> [(pair: Pair, port: Int)] {
        guard !range.isEmpty, portCount > 0 else { return [] }
        let ports = Int64(portCount)
        let first = range.lowerBound / ports
        let pairs = order.pairs(first..<(range.upperBound - 1) / ports + 1)
        return range.map { member in
            (traced(pairs[Int(member / ports - first)]), Int(member % ports))
        }
    }

    private func traced(_ pair: PairOrder.Pair) -> Pair {
        let from = units[sourceUnits[pair.source]]
        let to = units[destinationUnits[pair.destination]]
        let source = from.sources[0]
        let destination = to.destinations.first { $0 != source }
        guard let destination else {
            // The one Pod that both have: another one must start.
            return Pair(source: from.sources[1], destination: source)
        }
        return Pair(source: source, destination: destination)
    }

    /// The pairs that a traced one stands for, itself among them.
    public func cells(of pair: Pair) -> [Pair] {
        let from = units[unitOfPod[pair.source]]
        let to = units[unitOfPod[pair.destination]]
        return from.sources.flatMap { source in
            to.destinations.lazy.filter { $0 != source }.map {
                Pair(source: source, destination: $0)
            }
        }
    }
}

extension Cluster {
    /// The Pods that a trace cannot start at, of those that match the selector, with the reason.
    public func podsThatCannotSend(matching selector: String? = nil) throws(PairError) -> [String] {
        try sweepable(matching: selector).filter { !pods[$0].canSend }.map {
            "\(pods[$0].fullName) (\(pods[$0].usesHostNetwork ? "host network" : "no node"))"
        }
    }

    /// The pairs from Pods that one selector selects to those that the other does.
    public func sweptPairs(
        from: String? = nil, to: String? = nil, byClasses: Bool, portCount: Int
    ) throws(PairError) -> SweptPairs {
        let sources = try sweepable(matching: from).filter { pods[$0].canSend }
        let destinations = try sweepable(matching: to)
        let all = Set(sources).union(destinations).sorted { pods[$0].fullName < pods[$1].fullName }
        let places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0) })
        var unitOfPod = Array(all.indices)
        if byClasses {
            let numbers = PodClasses(self).numbers
            var units: [Int: Int] = [:]
            unitOfPod = all.map { pod in
                let unit = units[numbers[pod]] ?? units.count
                units[numbers[pod]] = unit
                return unit
            }
        }
        return SweptPairs(
            pods: all.map { pods[$0].fullName }, nodes: all.map { pods[$0].nodeName ?? "" },
            sources: Set(sources.compactMap { places[$0] }),
            destinations: Set(destinations.compactMap { places[$0] }), unitOfPod: unitOfPod,
            portCount: portCount)
    }

    /// The families that the Pod, `namespace/name`, has addresses of; none where there is none.
    public func families(of pod: String) -> [IPAddress.Family] {
        guard let place = self.pod(pod) else { return [] }
        return [.v4, .v6].filter { pods[place].address($0) != nil }
    }

    /// The family that a pair of Pods with these is asked about in: the preferred one, unless only
    /// the other is common to both.
    public static func family(
        _ from: [IPAddress.Family], _ to: [IPAddress.Family], prefersV6: Bool
    ) -> IPAddress.Family {
        let (preferred, other): (IPAddress.Family, IPAddress.Family) =
            prefersV6 ? (.v6, .v4) : (.v4, .v6)
        func isCommon(_ family: IPAddress.Family) -> Bool {
            from.contains(family) && to.contains(family)
        }
        return !isCommon(preferred) && isCommon(other) ? other : preferred
    }

    private func sweepable(matching selector: String?) throws(PairError) -> [Int] {
        guard let selector else {
            return pods.indices.filter { pods[$0].isInMatrix && isSweepable($0) }
        }
        return try matrixPods(matching: selector).compactMap { pod($0) }.filter(isSweepable)
    }

    private func isSweepable(_ pod: Int) -> Bool {
        !pods[pod].addresses.isEmpty && !optsOut(namespace: pods[pod].namespace)
    }
}

extension Pod {
    /// Whether a trace may start at it: it has an address of its own, on a node.
    var canSend: Bool { !usesHostNetwork && nodeName != nil }
}
