import HTTPTypes
import Kubernetes

/// What a path names.
enum APIRoute: Hashable, Sendable {
    case root
    case version
    /// `/livez`, `/readyz`, `/healthz`
    case health
    case coreVersions
    case coreResources
    case events
    case groups
    case group(APIGroup)
    case resources(APIGroup, version: String)
    case openAPIv2
    case openAPIv3Index
    /// Of a path such as `apis/crd.antrea.io/v1beta1`.
    case openAPIv3(String)
    case collection(ResourceKind, version: String)
    case object(ResourceKind, version: String, name: String)
    case status(ResourceKind, version: String, name: String)
    /// Who the client is, `kubectl auth whoami`.
    case selfReview
    /// What the client may, `kubectl auth can-i`.
    case accessReview

    /// Throws NotFound where there is nothing.
    init(_ path: [String]) throws(APIStatus) {
        switch path.first {
        case nil: self = .root
        case "version" where path.count == 1: self = .version
        case "livez", "readyz", "healthz": self = .health
        case "api": self = try Self.core(path)
        case "apis": self = try Self.grouped(path)
        case "openapi" where path == ["openapi", "v2"]: self = .openAPIv2
        case "openapi" where path == ["openapi", "v3"]: self = .openAPIv3Index
        case "openapi" where path.count > 2 && path[1] == "v3":
            self = .openAPIv3(path[2...].joined(separator: "/"))
        case _: throw Self.absent
        }
    }

    static let absent = APIStatus(
        404, .notFound, "the server could not find the requested resource")

    private static func core(_ path: [String]) throws(APIStatus) -> APIRoute {
        switch (path.count, path.dropFirst().first) {
        case (1, _): return .coreVersions
        case (2, "v1"): return .coreResources
        case (3, "v1") where path[2] == "events": return .events
        case (5, "v1") where path[2] == "namespaces" && path[4] == "events": return .events
        case _: throw absent
        }
    }

    private static func grouped(_ path: [String]) throws(APIStatus) -> APIRoute {
        if path.count == 1 { return .groups }
        if path == ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"] {
            return .selfReview
        }
        if path == ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] {
            return .accessReview
        }
        guard let group = APIGroup.named(path[1]) else { throw absent }
        if path.count == 2 { return .group(group) }
        let version = path[2]
        guard group.versions.contains(version) else { throw absent }
        if path.count == 3 { return .resources(group, version: version) }
        guard
            let kind = ResourceKind.of(group: group.name, version: version, plural: path[3])
        else { throw absent }
        switch path.count {
        case 4: return .collection(kind, version: version)
        case 5: return .object(kind, version: version, name: path[4])
        case 6 where path[5] == "status":
            return .status(kind, version: version, name: path[4])
        case _: throw absent
        }
    }
}

extension APIRoute {
    /// What is wanted of objects, and of which; nil where no objects are concerned.
    func access(
        _ method: HTTPRequest.Method, isWatch: Bool
    ) throws(APIStatus) -> (kind: ResourceKind, verb: ResourceKind.Verb, name: String?)? {
        switch self {
        case .collection(let kind, _):
            switch method {
            case .get: return (kind, isWatch ? .watch : .list, nil)
            case .post: return (kind, .create, nil)
            case .delete: return (kind, .deleteCollection, nil)
            case _: throw Self.notAllowed(method)
            }
        case .object(let kind, _, let name):
            switch method {
            case .get: return (kind, .get, name)
            case .put: return (kind, .update, name)
            case .patch: return (kind, .patch, name)
            case .delete: return (kind, .delete, name)
            case _: throw Self.notAllowed(method)
            }
        case .status(let kind, _, let name):
            // What becomes of an object the workers say, and nobody else.
            guard method == .get else { throw Self.notAllowed(method) }
            return (kind, .get, name)
        case .selfReview, .accessReview:
            guard method == .post else { throw Self.notAllowed(method) }
            return nil
        case .root, .version, .health, .coreVersions, .coreResources, .events, .groups, .group,
            .resources, .openAPIv2, .openAPIv3Index, .openAPIv3:
            guard method == .get else { throw Self.notAllowed(method) }
            return nil
        }
    }

    static func notAllowed(_ method: HTTPRequest.Method) -> APIStatus {
        APIStatus(
            405, .methodNotAllowed,
            "the server does not allow this method on the requested resource")
    }
}
