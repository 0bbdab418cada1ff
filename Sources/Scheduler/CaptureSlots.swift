import Traceflow

/// How many PacketCaptures run on each node; Antrea's agents run 16 at once.
///
/// Nodes are small numbers here, as for tags; a capture holds its slots exactly while its attempt
/// runs.
struct CaptureSlots: Hashable, Sendable {
    private var counts: [Int] = []

    func isFree(on nodes: [Int32]) -> Bool {
        nodes.allSatisfy {
            $0 >= counts.count || counts[Int($0)] < PacketCaptureSpec.runningMaxPerNode
        }
    }

    mutating func hold(on nodes: [Int32]) {
        for node in nodes {
            while counts.count <= node { counts.append(0) }
            counts[Int(node)] += 1
        }
    }

    mutating func release(on nodes: [Int32]) {
        for node in nodes { counts[Int(node)] -= 1 }
    }
}
