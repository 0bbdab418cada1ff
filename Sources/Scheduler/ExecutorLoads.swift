/// How many attempts run on each executor.
struct ExecutorLoads: Sendable {
    private(set) var names: [String] = []
    private(set) var loads: [Int] = []
    private var numbers: [String: Int] = [:]
    private var recent = 0

    mutating func number(of name: String) -> Int {
        if recent < names.count, names[recent] == name { return recent }
        if let number = numbers[name] {
            recent = number
        } else {
            recent = names.count
            numbers[name] = recent
            names.append(name)
            loads.append(0)
        }
        return recent
    }

    mutating func add(_ change: Int, to number: Int) { loads[number] += change }
}
