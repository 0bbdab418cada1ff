import Cluster
import JobLog
import Kubernetes
import TraceLog
import Worker

/// The names of stream families.
enum StreamFamilyName {
    static let trace = StreamFamily.trace.rawValue
}

/// What a client sends as an object.
enum ObjectBody {
    /// The body as a value, of JSON or YAML.
    static func read(_ request: APIRequest) throws(APIStatus) -> JSONValue {
        switch request.mediaType {
        case "application/json", "": return try json(request.body)
        case "application/yaml", "application/apply-patch+yaml", "text/yaml":
            return try yaml(request.body)
        case let type:
            throw APIStatus(
                415, .unsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include:"
                    + " application/json, application/yaml; got \"\(type)\"")
        }
    }

    static func json(_ bytes: [UInt8]) throws(APIStatus) -> JSONValue {
        do {
            return try JSONValue(parsing: bytes)
        } catch {
            throw APIStatus(400, .badRequest, "the body is not JSON: \(error)")
        }
    }

    private static func yaml(_ bytes: [UInt8]) throws(APIStatus) -> JSONValue {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw APIStatus(400, .badRequest, "the body is not UTF-8")
        }
        do {
            // Names may be missing here; the reader is of manifests, which have them.
            let values = try ManifestReader.values(text: text, file: "body")
            guard let value = values.first, values.count == 1 else {
                throw APIStatus(400, .badRequest, "the body must hold one object")
            }
            return try json(Array(value.canonicalJSON.utf8))
        } catch let error as APIStatus {
            throw error
        } catch {
            throw APIStatus(400, .badRequest, "the body is not YAML: \(error)")
        }
    }

    /// Looks at what every object must say, and gives it the name that it asks to be made.
    static func check(
        _ value: inout JSONValue, _ kind: ResourceKind, _ version: String, name: String?,
        _ log: JobLog
    ) throws {
        guard case .object = value else {
            throw APIStatus(400, .badRequest, "the body must be an object")
        }
        for (key, wanted) in [("kind", kind.kind), ("apiVersion", kind.apiVersion(version))] {
            let given = value[key].text
            if given == nil, !value[key].isNull {
                throw APIStatus(400, .badRequest, "\(key) must be a string")
            }
            if let given, !given.isEmpty, given != wanted {
                throw APIStatus(
                    400, .badRequest,
                    "the \(key) in the data (\(given)) does not match the expected one (\(wanted))")
            }
            value[key] = .string(wanted)
        }
        var metadata = value["metadata"]
        if metadata.isNull { metadata = [:] }
        guard case .object = metadata else {
            throw APIStatus(400, .badRequest, "metadata must be an object")
        }
        for key in ["labels", "annotations"]
        where metadata[key].entries.count != metadata[key].texts.count {
            throw APIStatus(400, .badRequest, "metadata.\(key): values must be strings")
        }
        let given = metadata["name"].text ?? ""
        if let name {
            guard given.isEmpty || given == name else {
                throw APIStatus(
                    400, .badRequest,
                    "the name of the object (\(given)) does not match the name on the URL (\(name))"
                )
            }
            metadata["name"] = .string(name)
        } else if given.isEmpty, let prefix = metadata["generateName"].text, !prefix.isEmpty {
            metadata["name"] = .string(prefix + String(try log.lastPosition(), radix: 36))
        } else if given.isEmpty {
            throw APIStatus.invalid(
                kind, "", "metadata.name", "Required value: name or generateName is required")
        }
        if let namespace = metadata["namespace"].text, !namespace.isEmpty {
            throw APIStatus(
                400, .badRequest, "\(kind.kind) is cluster-scoped: namespace must be empty")
        }
        value["metadata"] = metadata
    }

    /// The object as a manifest of a trace.
    static func manifest(
        _ value: JSONValue, _ kind: ResourceKind
    ) throws(APIStatus) -> TraceflowManifest {
        let resource = try resource(value, kind)
        do throws(ManifestError) {
            return kind == .packetCapture
                ? try PacketCaptureManifest(resource).traceflow : try TraceflowManifest(resource)
        } catch {
            throw APIStatus.malformed(kind, resource.name, error)
        }
    }

    static func resource(_ value: JSONValue, _ kind: ResourceKind) throws(APIStatus) -> Resource {
        var value = value
        value["status"] = .null
        do throws(ManifestError) {
            let found = try ManifestReader.read(text: value.description, file: "body")
            if let only = found.first, found.count == 1 { return only }
        } catch {
            throw APIStatus.malformed(kind, value["metadata"]["name"].text ?? "", error)
        }
        throw APIStatus(400, .badRequest, "the body must hold one object")
    }

    /// What is to be told of fields that nobody knows; under `fieldValidation=Strict` an error.
    static func warnings(
        _ warnings: [ManifestWarning], _ request: APIRequest
    ) throws(APIStatus) -> [String] {
        let validation = request.query["fieldValidation"] ?? "Warn"
        guard ["Ignore", "Warn", "Strict"].contains(validation) else {
            throw APIStatus(
                400, .badRequest, "fieldValidation: \"\(validation)\" is not known")
        }
        if validation == "Ignore" { return [] }
        let suffix = " is ignored"
        let messages = warnings.map { warning in
            warning.message.hasSuffix(suffix)
                ? String(warning.message.dropLast(suffix.count)) : warning.message
        }
        guard validation == "Strict", !messages.isEmpty else { return messages }
        throw APIStatus(
            400, .badRequest,
            "strict decoding error: \(messages.joined(separator: ", "))")
    }

    static func deleteOptions(_ request: APIRequest) throws(APIStatus) -> JSONValue {
        guard !request.body.isEmpty else { return [:] }
        let value = try read(request)
        guard case .object = value else {
            throw APIStatus(400, .badRequest, "the body must be DeleteOptions")
        }
        return value
    }

    /// What is refused on other grounds than its shape.
    static func refusing<T>(
        _ kind: ResourceKind, _ name: String, _ body: () throws -> T
    ) throws -> T {
        do {
            return try body()
        } catch let refusal as Refusal {
            throw APIStatus.invalid(kind, name, "spec", Self.plain(refusal.description))
        }
    }

    /// A message without the place in a file that is none.
    static func plain(_ message: String) -> String {
        guard message.hasPrefix("body:") else { return message }
        let rest = message.dropFirst("body:".count)
        return rest.firstIndex(of: " ").map { String(rest[rest.index(after: $0)...]) } ?? message
    }
}

extension APIRequest {
    /// Whether nothing is to be recorded.
    var isDryRun: Bool { query["dryRun"] == "All" }
}

extension APIStatus {
    /// The object has a value that it must not have.
    static func invalid(
        _ kind: ResourceKind, _ name: String, _ field: String?, _ message: String
    ) -> APIStatus {
        let text = field.map { "\($0): \(message)" } ?? message
        let cause = JSONValue.of([
            "reason": "FieldValueInvalid", "message": .string(message),
            "field": field.map { .string($0) },
        ])
        return APIStatus(
            422, .invalid, "\(kind.kind).\(kind.group) \"\(name)\" is invalid: \(text)",
            details: kind.details(name, causes: [cause]))
    }

    static func malformed(
        _ kind: ResourceKind, _ name: String, _ error: ManifestError
    ) -> APIStatus {
        invalid(kind, name, error.field, error.message)
    }
}
