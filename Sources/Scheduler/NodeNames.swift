/// Small numbers for the names of nodes, in the order in which they were first met.
struct NodeNames: Sendable {
    private var numbers: [String: Int32] = [:]

    /// The nodes of what has the facts, sorted and without repetition; none stands for everywhere.
    ///
    /// A capture meets no trace on its node, only other captures: each node has a number of its
    /// own for them, and so has the lack of one.
    mutating func numbers(of facts: SchedulingFacts) -> [Int32] {
        guard facts.isCapture else { return numbers(of: facts.scope) }
        switch facts.scope {
        case .allNodes: return [number(of: Self.captures)]
        case .nodes(let names):
            return numbers(of: .nodes(names.map { "\(Self.captures)\($0)" }))
        }
    }

    /// No node is called so.
    private static let captures = "captures/"

    mutating func numbers(of scope: TagScope) -> [Int32] {
        switch scope {
        case .allNodes: return []
        case .nodes(let names):
            var result: [Int32] = []
            result.reserveCapacity(names.count)
            for name in names {
                let number = number(of: name)
                if !result.contains(number) { result.append(number) }
            }
            return result.sorted()
        }
    }

    private mutating func number(of name: String) -> Int32 {
        if let number = numbers[name] { return number }
        let number = Int32(numbers.count)
        numbers[name] = number
        return number
    }
}
