import Kubernetes

/// Pieces of JSON schemas, as OpenAPI 2 and 3 both have them.
enum Schema {
    static func object(
        _ about: String, required: [String] = [], _ properties: [String: JSONValue]
    ) -> JSONValue {
        .of([
            "type": "object", "description": .string(about),
            "properties": .object(properties),
            "required": required.isEmpty ? nil : .array(required.map { .string($0) }),
        ])
    }

    static func string(_ about: String, oneOf words: [String] = []) -> JSONValue {
        .of([
            "type": "string", "description": .string(about),
            "enum": words.isEmpty ? nil : .array(words.map { .string($0) }),
        ])
    }

    static func time(_ about: String) -> JSONValue {
        ["type": "string", "format": "date-time", "description": .string(about)]
    }

    static func integer(_ about: String, _ range: ClosedRange<Int>? = nil) -> JSONValue {
        .of([
            "type": "integer", "format": "int64", "description": .string(about),
            "minimum": range.map { .int(Int64($0.lowerBound)) },
            "maximum": range.map { .int(Int64($0.upperBound)) },
        ])
    }

    static func number(_ about: String) -> JSONValue {
        ["type": "number", "format": "double", "description": .string(about)]
    }

    static func boolean(_ about: String) -> JSONValue {
        ["type": "boolean", "description": .string(about)]
    }

    static func list(_ about: String, of item: JSONValue) -> JSONValue {
        ["type": "array", "description": .string(about), "items": item]
    }

    static func texts(_ about: String) -> JSONValue {
        [
            "type": "object", "description": .string(about),
            "additionalProperties": ["type": "string"],
        ]
    }

    static func numberOrWord(_ about: String) -> JSONValue {
        ["x-kubernetes-int-or-string": true, "description": .string(about)]
    }
}
