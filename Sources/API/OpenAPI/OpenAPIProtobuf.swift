import Kubernetes

/// OpenAPI 2 as Protocol Buffers, the only form in which kubectl takes it (gnostic,
/// openapiv2/OpenAPIv2.proto).
enum OpenAPIProtobuf {
    /// What clients ask for.
    static let acceptedType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    /// What they are given: an at sign is none that a media type may have.
    static let contentType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    static func encode(_ document: JSONValue) -> [UInt8] {
        var message = Message()
        message.put(1, document["swagger"])
        var info = Message()
        info.put(1, document["info"]["title"])
        info.put(2, document["info"]["version"])
        message.put(2, info)
        var paths = Message()
        for (name, item) in sorted(document["paths"]) {
            paths.put(2, named(name, pathItem(item)))
        }
        message.put(8, paths)
        var definitions = Message()
        for (name, schema) in sorted(document["definitions"]) {
            definitions.put(1, named(name, self.schema(schema)))
        }
        message.put(9, definitions)
        return message.bytes
    }

    // MARK: paths

    private static func pathItem(_ value: JSONValue) -> Message {
        var message = Message()
        let places = [2: "get", 3: "put", 4: "post", 5: "delete", 8: "patch"]
        for (field, method) in places.sorted(by: { $0.key < $1.key }) {
            if !value[method].isNull { message.put(field, operation(value[method])) }
        }
        for parameter in value["parameters"].elements { message.put(9, self.parameter(parameter)) }
        return message
    }

    private static func operation(_ value: JSONValue) -> Message {
        var message = Message()
        message.put(5, value["operationId"])
        for type in value["produces"].elements { message.put(6, type) }
        for type in value["consumes"].elements { message.put(7, type) }
        for parameter in value["parameters"].elements { message.put(8, self.parameter(parameter)) }
        var responses = Message()
        for (code, response) in sorted(value["responses"]) {
            var body = Message()
            body.put(1, response["description"])
            var item = Message()
            item.put(1, schema(response["schema"]))
            body.put(2, item)
            var choice = Message()
            choice.put(1, body)
            responses.put(1, named(code, choice))
        }
        message.put(9, responses)
        putExtensions(of: value, 13, &message)
        return message
    }

    private static func parameter(_ value: JSONValue) -> Message {
        var choice = Message()
        if value["in"].text == "body" {
            var body = Message()
            body.put(2, value["name"])
            body.put(3, value["in"])
            body.put(4, flag: value["required"].bool ?? false)
            body.put(5, schema(value["schema"]))
            choice.put(1, body)
        } else {
            let isPath = value["in"].text == "path"
            var inner = Message()
            inner.put(1, flag: value["required"].bool ?? false)
            inner.put(2, value["in"])
            inner.put(4, value["name"])
            inner.put(isPath ? 5 : 6, value["type"])
            var other = Message()
            other.put(isPath ? 4 : 3, inner)
            choice.put(2, other)
        }
        var item = Message()
        item.put(1, choice)
        return item
    }

    // MARK: schemas

    private static func schema(_ value: JSONValue) -> Message {
        var message = Message()
        message.put(1, value["$ref"])
        message.put(2, value["format"])
        message.put(4, value["description"])
        if let maximum = value["maximum"].int { message.put(7, double: Double(maximum)) }
        if let minimum = value["minimum"].int { message.put(9, double: Double(minimum)) }
        for name in value["required"].elements { message.put(19, name) }
        for word in value["enum"].elements { message.put(20, any(word)) }
        let more = value["additionalProperties"]
        if !more.isNull {
            var item = Message()
            item.put(1, schema(more))
            message.put(21, item)
        }
        if !value["type"].isNull {
            var type = Message()
            type.put(1, value["type"])
            message.put(22, type)
        }
        if !value["items"].isNull {
            var items = Message()
            items.put(1, schema(value["items"]))
            message.put(23, items)
        }
        if !value["properties"].isNull {
            var properties = Message()
            for (name, property) in sorted(value["properties"]) {
                properties.put(1, named(name, schema(property)))
            }
            message.put(25, properties)
        }
        putExtensions(of: value, 31, &message)
        return message
    }

    private static func putExtensions(
        of value: JSONValue, _ field: Int, _ message: inout Message
    ) {
        for (name, inner) in sorted(value) where name.hasPrefix("x-") {
            message.put(field, named(name, any(inner)))
        }
    }

    /// Any value, as YAML, of which JSON is a part.
    private static func any(_ value: JSONValue) -> Message {
        var message = Message()
        message.put(2, .string(value.description))
        return message
    }

    private static func named(_ name: String, _ value: Message) -> Message {
        var message = Message()
        message.put(1, .string(name))
        message.put(2, value)
        return message
    }

    private static func sorted(_ value: JSONValue) -> [(key: String, value: JSONValue)] {
        value.entries.sorted { $0.key < $1.key }
    }

    /// A message while it is written.
    private struct Message {
        private(set) var bytes: [UInt8] = []

        /// A string; nothing where the value is none.
        mutating func put(_ field: Int, _ value: JSONValue) {
            guard let text = value.text else { return }
            put(field, Array(text.utf8))
        }

        mutating func put(_ field: Int, _ message: Message) { put(field, message.bytes) }

        mutating func put(_ field: Int, flag: Bool) {
            guard flag else { return }
            put(varint: UInt64(field << 3))
            bytes.append(1)
        }

        mutating func put(_ field: Int, double: Double) {
            put(varint: UInt64(field << 3 | 1))
            for place in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: double.bitPattern >> (8 * place)))
            }
        }

        private mutating func put(_ field: Int, _ content: [UInt8]) {
            put(varint: UInt64(field << 3 | 2))
            put(varint: UInt64(content.count))
            bytes += content
        }

        private mutating func put(varint: UInt64) {
            var rest = varint
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }
}
