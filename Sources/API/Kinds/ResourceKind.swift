import Cluster
import Traceflow

/// The kinds of objects that the server has; all of them belong to the whole cluster.
package enum ResourceKind: String, CaseIterable, Sendable {
    case traceflow, packetCapture, traceSchedule, traceSweep

    /// What can be done with objects, as RBAC names it.
    package enum Verb: String, Sendable {
        case get, list, watch, create, update, patch, delete
        case deleteCollection = "deletecollection"
    }

    var group: String {
        switch self {
        case .traceflow, .packetCapture: "crd.antrea.io"
        case .traceSchedule, .traceSweep: "tracectl.dev"
        }
    }

    /// The preferred one first.
    var versions: [String] {
        switch self {
        case .traceflow: ["v1beta1", "v1alpha1"]
        case .packetCapture, .traceSchedule, .traceSweep: ["v1alpha1"]
        }
    }

    var kind: String {
        switch self {
        case .traceflow: TraceflowManifest.kind
        case .packetCapture: PacketCaptureManifest.kind
        case .traceSchedule: ScheduleManifest.kind
        case .traceSweep: SweepManifest.kind
        }
    }

    var singular: String { kind.lowercased() }
    var plural: String { singular + "s" }

    var shortNames: [String] {
        switch self {
        case .traceflow: ["tf"]
        case .packetCapture: ["pcap"]
        case .traceSchedule: ["tsched"]
        case .traceSweep: ["tsweep"]
        }
    }

    var verbs: [Verb] {
        switch self {
        case .traceflow, .packetCapture, .traceSchedule:
            [.create, .delete, .deleteCollection, .get, .list, .patch, .update, .watch]
        // Sweeps are not deleted in passing: only one that runs can be, and that ends it.
        case .traceSweep: [.create, .delete, .get, .list, .patch, .update, .watch]
        }
    }

    func apiVersion(_ version: String) -> String { "\(group)/\(version)" }

    /// What Status calls it: `traceflows.crd.antrea.io`.
    var qualified: String { "\(plural).\(group)" }

    static func all(in group: String) -> [ResourceKind] {
        allCases.filter { $0.group == group }
    }

    static func of(group: String, version: String, plural: String) -> ResourceKind? {
        allCases.first {
            $0.group == group && $0.versions.contains(version) && $0.plural == plural
        }
    }
}

/// A group of kinds, and its versions.
struct APIGroup: Hashable, Sendable {
    var name: String
    /// The preferred one first.
    var versions: [String]

    static let all: [APIGroup] = {
        var groups: [APIGroup] = []
        for kind in ResourceKind.allCases {
            if let place = groups.firstIndex(where: { $0.name == kind.group }) {
                groups[place].versions += kind.versions.filter {
                    !groups[place].versions.contains($0)
                }
            } else {
                groups.append(APIGroup(name: kind.group, versions: kind.versions))
            }
        }
        return groups
    }()

    static func named(_ name: String) -> APIGroup? { all.first { $0.name == name } }
}
