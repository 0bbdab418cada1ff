import Kubernetes
import Worker

/// What each route answers; blocks on the log.
struct APIHandlers: Sendable {
    let reading: ObjectReading
    let writing: ObjectWriting
    /// Our own.
    let version: String

    func answer(_ request: APIRequest, _ route: APIRoute) throws -> APIAnswer {
        switch route {
        case .root:
            return APIAnswer([
                "paths": [
                    "/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz",
                    "/version",
                ]
            ])
        case .version: return APIAnswer(Discovery.version(version))
        case .health: return .health(isWell: reading.store.isFollowing)
        case .coreVersions: return APIAnswer(Discovery.coreVersions)
        case .coreResources: return APIAnswer(Discovery.coreResources)
        case .events:
            return APIAnswer(Discovery.emptyEvents(position: reading.store.position))
        case .groups: return APIAnswer(Discovery.groups)
        case .group(let group): return APIAnswer(Discovery.single(group))
        case .resources(let group, let version):
            return APIAnswer(Discovery.resources(group, version))
        case .openAPIv2:
            let document = OpenAPIDocument.v2(product: version)
            guard request.accept.contains(OpenAPIProtobuf.acceptedType) else {
                return APIAnswer(document)
            }
            var answer = APIAnswer(OpenAPIProtobuf.encode(document))
            answer.type = OpenAPIProtobuf.contentType
            return answer
        case .openAPIv3Index: return APIAnswer(OpenAPIDocument.index(product: version))
        case .openAPIv3(let path):
            guard let text = OpenAPIDocument.v3(path, product: version) else {
                throw APIRoute.absent
            }
            return APIAnswer(text)
        case .selfReview: return APIAnswer(SelfReview.who(request.identity), code: 201)
        case .accessReview:
            let review =
                request.mediaType == ProtobufReview.mediaType
                ? try ProtobufReview.read(request.body) : try ObjectBody.read(request)
            return APIAnswer(try SelfReview.access(review, request.identity), code: 201)
        case .collection(let kind, let version):
            switch request.method {
            case .get where request.flag("watch"):
                return try reading.watch(kind, version, request)
            case .get: return try reading.list(kind, version, request)
            case .post: return try writing.create(kind, version, request)
            case .delete: return try writing.deleteCollection(kind, version, request)
            case let method: throw APIRoute.notAllowed(method)
            }
        case .object(let kind, let version, let name):
            switch request.method {
            case .get: return try reading.get(kind, version, name, request)
            case .put: return try writing.update(kind, version, name, request)
            case .patch: return try writing.patch(kind, version, name, request)
            case .delete: return try writing.delete(kind, version, name, request)
            case let method: throw APIRoute.notAllowed(method)
            }
        case .status(let kind, let version, let name):
            return try reading.get(kind, version, name, request)
        }
    }
}
