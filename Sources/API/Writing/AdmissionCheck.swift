import Cluster
import Kubernetes
import Traceflow

/// Judges requests as Antrea's schema and its webhook do.
enum AdmissionCheck {
    static func check(
        _ manifest: TraceflowManifest, _ kind: ResourceKind, _ name: String, _ cluster: Cluster
    ) throws(APIStatus) {
        let fault =
            manifest.packetCapture.map(\.violation)
            ?? SchemaViolation.first(in: manifest.spec, of: manifest.apiVersion)
        if let fault {
            throw APIStatus.invalid(
                kind, name, fault.field, "Invalid value: \(fault.value): \(fault.rule)")
        }
        guard manifest.packetCapture == nil else { return }
        let denial = Denial.reason(name: manifest.name, spec: manifest.spec) {
            cluster.podFacts(namespace: $0, name: $1)
        }
        guard let denial else { return }
        // An admission webhook's answer has this code where it gives none.
        throw APIStatus(
            400, .badRequest,
            "admission webhook \"traceflowvalidator.antrea.io\" denied the request: \(denial)",
            details: kind.details(name))
    }
}
