/// What is left of a rule's ports once the packet is known: all, none, or by name.
struct PortSet: Hashable, Sendable {
    private(set) var isEverywhere: Bool
    private var names: [PortMatch] = []
    private let headers: Headers

    init(_ ports: [PortMatch]?, _ headers: Headers) {
        self.headers = headers
        isEverywhere = ports == nil
        for port in ports ?? [] {
            switch port.outcome(headers) {
            case .no: break
            case .yes: isEverywhere = true
            case .byName: names.append(port)
            }
        }
    }

    /// No destination has such a port.
    var isEmpty: Bool { !isEverywhere && names.isEmpty }

    /// Whether the packet's port on the destination is one of the rule's; named ports are the
    /// destination Pod's own.
    func admits(_ destination: Int?, _ index: PodIndex) -> Bool {
        if isEverywhere { return true }
        guard let destination, let number = headers.port else { return false }
        return names.contains { port in
            guard case .named(let name) = port.number else { return false }
            return index.hasPort(destination, named: name, number, headers.protocol)
        }
    }

    /// Nil when all are admitted.
    func destinations(_ index: PodIndex) -> PodSet? {
        guard !isEverywhere else { return nil }
        var set = PodSet(count: index.count)
        guard let number = headers.port else { return set }
        for port in names {
            guard case .named(let name) = port.number else { continue }
            set.formUnion(index.pods(withPort: name, number, headers.protocol))
        }
        return set
    }
}
