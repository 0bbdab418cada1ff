/// A traffic mode that was asked for by hand, instead of what Antrea's ConfigMap says.
///
/// It is an object like any other, so that it is recorded with the cluster it belongs to.
public struct NetworkChoice: Hashable, Sendable {
    static let group = "tracectl.dev"
    static let kind = "PodNetwork"

    /// Nil leaves it to the ConfigMap.
    public var mode: TrafficMode?
    public var usesWireGuard: Bool?

    public init(mode: TrafficMode?, usesWireGuard: Bool?) {
        self.mode = mode
        self.usesWireGuard = usesWireGuard
    }

    init(_ resource: Resource) throws(ManifestError) {
        let spec = try resource.root["spec"].required().mapping()
        if let field = spec["trafficMode"].optional() {
            guard let mode = TrafficMode(word: try field.string()) else {
                let words = TrafficMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw field.error("must be one of \(words)")
            }
            self.mode = mode
        }
        usesWireGuard = try spec["wireGuard"].optional()?.bool()
    }

    /// The choice as an object among the cluster's.
    public func resource() throws(ManifestError) -> Resource {
        var spec: [(key: String, value: ManifestValue)] = []
        if let mode { spec.append(("trafficMode", ManifestValue(.string(mode.rawValue)))) }
        if let usesWireGuard { spec.append(("wireGuard", ManifestValue(.bool(usesWireGuard)))) }
        return try Resource(
            ManifestValue(
                .map([
                    ("apiVersion", ManifestValue(.string("\(Self.group)/v1alpha1"))),
                    ("kind", ManifestValue(.string(Self.kind))),
                    ("metadata", ManifestValue(.map([("name", ManifestValue(.string("chosen")))]))),
                    ("spec", ManifestValue(.map(spec))),
                ])), file: "--traffic-mode")
    }

    func apply(to network: inout PodNetwork) {
        if let mode { network.mode = mode }
        if let usesWireGuard { network.usesWireGuard = usesWireGuard }
    }
}
