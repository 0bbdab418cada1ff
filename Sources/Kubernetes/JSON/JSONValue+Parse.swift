import Foundation

/// Why bytes are no JSON, in one line.
public struct MalformedJSON: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

extension JSONValue {
    /// Reads one value of UTF-8 text (RFC 8259). Nesting is bounded by Foundation, at 512.
    public init(parsing bytes: some Sequence<UInt8>) throws(MalformedJSON) {
        let object: Any
        do {
            object = try JSONSerialization.jsonObject(
                with: Data(bytes), options: [.fragmentsAllowed])
        } catch {
            let detail = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String
            throw MalformedJSON(description: detail ?? "no JSON")
        }
        self.init(object)
    }

    private init(_ object: Any) {
        switch object {
        case let text as String: self = .string(text)
        case let entries as [String: Any]: self = .object(entries.mapValues { JSONValue($0) })
        case let elements as [Any]: self = .array(elements.map { JSONValue($0) })
        // Booleans are numbers too: the only ones of one byte that the parser makes.
        case let number as NSNumber where number.objCType.pointee == CChar(UInt8(ascii: "c")):
            self = .bool(number.boolValue)
        case let number as NSNumber:
            if let whole = Int64(exactly: number) {
                self = .int(whole)
            } else {
                self = .double(number.doubleValue)
            }
        default: self = .null
        }
    }
}
