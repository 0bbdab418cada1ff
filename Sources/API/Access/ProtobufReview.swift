import Kubernetes

/// A SelfSubjectAccessReview in Protocol Buffers (k8s.io/api, authorization/v1), the only form in
/// which `kubectl auth can-i` sends it.
enum ProtobufReview {
    static let mediaType = "application/vnd.kubernetes.protobuf"
    /// What Kubernetes puts before each of its messages.
    private static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0]
    /// The fields of ResourceAttributes.
    private static let attributes = [
        1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource",
        7: "name",
    ]

    /// Throws BadRequest for bytes that are none.
    static func read(_ bytes: [UInt8]) throws(APIStatus) -> JSONValue {
        guard bytes.starts(with: magic) else { throw malformed }
        var review: ArraySlice<UInt8> = []
        for (number, content) in try fields(bytes.dropFirst(magic.count)) where number == 2 {
            review = content
        }
        var attributes: [String: JSONValue] = [:]
        for (number, spec) in try fields(review) where number == 2 {
            for (number, resource) in try fields(spec) where number == 1 {
                for (number, text) in try fields(resource) {
                    guard let key = Self.attributes[number],
                        let text = String(validating: text, as: UTF8.self)
                    else { continue }
                    attributes[key] = .string(text)
                }
            }
        }
        return ["spec": ["resourceAttributes": .object(attributes)]]
    }

    private static let malformed = APIStatus(400, .badRequest, "the body is malformed")

    /// The fields that hold bytes, by number.
    private static func fields(
        _ bytes: ArraySlice<UInt8>
    ) throws(APIStatus) -> [(number: Int, content: ArraySlice<UInt8>)] {
        var fields: [(Int, ArraySlice<UInt8>)] = []
        var rest = bytes
        while !rest.isEmpty {
            let key = try varint(&rest)
            switch key & 7 {
            case 0: _ = try varint(&rest)
            case 2:
                guard let count = Int(exactly: try varint(&rest)), count <= rest.count else {
                    throw malformed
                }
                fields.append((Int(truncatingIfNeeded: key >> 3), rest.prefix(count)))
                rest = rest.dropFirst(count)
            case _: throw malformed
            }
        }
        return fields
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) throws(APIStatus) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw malformed }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw malformed
    }
}
