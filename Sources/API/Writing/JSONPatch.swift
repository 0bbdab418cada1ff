import Kubernetes

/// A patch of single steps (RFC 6902).
struct JSONPatch {
    private enum Operation: String {
        case add, remove, replace, move, copy, test
    }

    private struct Step {
        var operation: Operation
        var path: [String]
        var from: [String]
        var value: JSONValue
    }

    private let steps: [Step]

    /// As many as Kubernetes takes.
    private static let stepsMax = 10_000
    /// Steps that copy could make a small patch a large object.
    private static let copiesMax = 100

    /// Throws BadRequest for what is no patch.
    init(_ value: JSONValue) throws(APIStatus) {
        guard case .array(let elements) = value else {
            throw Self.refused("a JSON patch is an array")
        }
        guard elements.count <= Self.stepsMax else {
            throw APIStatus(
                413, .requestEntityTooLarge,
                "The allowed maximum operations in a JSON patch is \(Self.stepsMax)")
        }
        var steps: [Step] = []
        for element in elements {
            guard let operation = element["op"].text.flatMap(Operation.init) else {
                throw Self.refused("op is none of add, remove, replace, move, copy, test")
            }
            guard let path = element["path"].text else { throw Self.refused("path is missing") }
            var from: [String] = []
            if operation == .move || operation == .copy {
                guard let text = element["from"].text else {
                    throw Self.refused("from is missing")
                }
                from = try Self.pointer(text)
            }
            steps.append(
                Step(
                    operation: operation, path: try Self.pointer(path), from: from,
                    value: element["value"]))
        }
        guard steps.count(where: { $0.operation == .copy }) <= Self.copiesMax else {
            throw Self.refused("more than \(Self.copiesMax) copies")
        }
        self.steps = steps
    }

    /// Throws Invalid where a step cannot be done.
    func applied(to value: JSONValue) throws(APIStatus) -> JSONValue {
        var value = value
        for step in steps {
            switch step.operation {
            case .add: try Self.put(step.value, at: step.path[...], replaces: false, in: &value)
            case .replace: try Self.put(step.value, at: step.path[...], replaces: true, in: &value)
            case .remove: _ = try Self.take(step.path[...], from: &value)
            case .move:
                guard !step.path.starts(with: step.from) || step.path == step.from else {
                    throw Self.failed("a value cannot be moved into itself")
                }
                let moved = try Self.take(step.from[...], from: &value)
                try Self.put(moved, at: step.path[...], replaces: false, in: &value)
            case .copy:
                let copy = try Self.look(step.from[...], in: value)
                try Self.put(copy, at: step.path[...], replaces: false, in: &value)
            case .test:
                guard try Self.look(step.path[...], in: value) == step.value else {
                    throw Self.failed("testing path /\(step.path.joined(separator: "/")) failed")
                }
            }
        }
        return value
    }

    // MARK: places

    /// The parts of a JSON pointer (RFC 6901).
    private static func pointer(_ text: String) throws(APIStatus) -> [String] {
        if text.isEmpty { return [] }
        guard text.hasPrefix("/") else { throw refused("\"\(text)\" is no JSON pointer") }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    private static func look(
        _ path: ArraySlice<String>, in value: JSONValue
    ) throws(APIStatus) -> JSONValue {
        guard let key = path.first else { return value }
        switch value {
        case .object(let entries):
            guard let inner = entries[key] else { throw absent(key) }
            return try look(path.dropFirst(), in: inner)
        case .array(let elements):
            guard let place = place(key), place < elements.count else { throw absent(key) }
            return try look(path.dropFirst(), in: elements[place])
        case .null, .bool, .int, .double, .string: throw absent(key)
        }
    }

    private static func put(
        _ new: JSONValue, at path: ArraySlice<String>, replaces: Bool, in value: inout JSONValue
    ) throws(APIStatus) {
        guard let key = path.first else {
            value = new
            return
        }
        let isLast = path.count == 1
        switch value {
        case .object(var entries):
            if isLast {
                if replaces, entries[key] == nil { throw absent(key) }
                entries[key] = new
            } else {
                guard var inner = entries[key] else { throw absent(key) }
                try put(new, at: path.dropFirst(), replaces: replaces, in: &inner)
                entries[key] = inner
            }
            value = .object(entries)
        case .array(var elements):
            if isLast, !replaces {
                let place = key == "-" ? elements.count : place(key)
                guard let place, place <= elements.count else { throw absent(key) }
                elements.insert(new, at: place)
            } else {
                guard let place = place(key), place < elements.count else { throw absent(key) }
                try put(new, at: path.dropFirst(), replaces: replaces, in: &elements[place])
            }
            value = .array(elements)
        case .null, .bool, .int, .double, .string: throw absent(key)
        }
    }

    private static func take(
        _ path: ArraySlice<String>, from value: inout JSONValue
    ) throws(APIStatus) -> JSONValue {
        guard let key = path.first else { throw failed("the whole object cannot be removed") }
        switch value {
        case .object(var entries):
            guard var inner = entries[key] else { throw absent(key) }
            let taken: JSONValue
            if path.count == 1 {
                taken = inner
                entries[key] = nil
            } else {
                taken = try take(path.dropFirst(), from: &inner)
                entries[key] = inner
            }
            value = .object(entries)
            return taken
        case .array(var elements):
            guard let place = place(key), place < elements.count else { throw absent(key) }
            let taken =
                path.count == 1
                ? elements.remove(at: place)
                : try take(path.dropFirst(), from: &elements[place])
            value = .array(elements)
            return taken
        case .null, .bool, .int, .double, .string: throw absent(key)
        }
    }

    /// The number of an element; nil for what is none.
    private static func place(_ key: String) -> Int? {
        guard key == "0" || !key.hasPrefix("0"), key.utf8.count <= 9,
            key.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int(key)
    }

    private static func refused(_ why: String) -> APIStatus {
        APIStatus(400, .badRequest, "error decoding patch: \(why)")
    }

    private static func absent(_ key: String) -> APIStatus {
        failed("nothing is there: \"\(key)\"")
    }

    private static func failed(_ why: String) -> APIStatus {
        APIStatus(
            422, .invalid, "the server rejected our request due to an error in our request: \(why)")
    }
}
