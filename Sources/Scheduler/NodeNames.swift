/// Small numbers for the names of nodes, in the order in which they were first met.
struct NodeNames: Sendable {
    private var numbers: [String: Int32] = [:]

    /// The scope's nodes, sorted and without repetition; none stands for everywhere.
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
