import Kubernetes

/// Which form a client wants its answer in.
enum Negotiation {
    /// The form of objects that the client likes best; throws NotAcceptable where it takes no JSON.
    static func shape(_ request: APIRequest) throws(APIStatus) -> ObjectForm.Shape {
        let accepted = request.accept.split(separator: ",")
        if accepted.isEmpty { return .object }
        for entry in accepted {
            let parts = entry.split(separator: ";").map {
                $0.filter { $0 != " " }
            }
            guard let type = parts.first?.lowercased(), takesJSON(type) else { continue }
            if parts.contains("as=Table") { return .table(includes: try included(request)) }
            let isPartial =
                parts.contains("as=PartialObjectMetadata")
                || parts.contains("as=PartialObjectMetadataList")
            if isPartial { return .metadata }
            if !parts.contains(where: { $0.hasPrefix("as=") }) { return .object }
        }
        throw APIStatus(
            406, .notAcceptable,
            "only the following media types are offered: application/json")
    }

    private static func takesJSON(_ type: String) -> Bool {
        ["application/json", "application/*", "*/*", "*"].contains(type)
    }

    private static func included(
        _ request: APIRequest
    ) throws(APIStatus) -> ObjectForm.Included {
        let text = request.query["includeObject"] ?? ""
        guard !text.isEmpty else { return .metadata }
        guard let included = ObjectForm.Included(rawValue: text) else {
            throw APIStatus(400, .badRequest, "includeObject: \"\(text)\" is not known")
        }
        return included
    }
}
