/// A binary heap: the least element first, O(log n) to change.
struct MinHeap<Element: Comparable & Sendable>: Sendable {
    private(set) var elements: [Element] = []

    var first: Element? { elements.first }
    var count: Int { elements.count }

    mutating func insert(_ element: Element) {
        elements.append(element)
        rise(from: elements.count - 1)
    }

    mutating func removeFirst() {
        guard let last = elements.popLast(), !elements.isEmpty else { return }
        elements[0] = last
        sink(from: 0)
    }

    /// Puts an element in the place of the first one, cheaper than taking and inserting.
    mutating func replaceFirst(_ element: Element) {
        guard !elements.isEmpty else { return insert(element) }
        elements[0] = element
        sink(from: 0)
    }

    /// Drops all elements that do not satisfy the condition.
    mutating func keep(where condition: (Element) -> Bool) {
        elements.removeAll { !condition($0) }
        for index in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(from: index) }
    }

    private mutating func rise(from start: Int) {
        let element = elements[start]
        var hole = start
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard element < elements[parent] else { break }
            elements[hole] = elements[parent]
            hole = parent
        }
        elements[hole] = element
    }

    private mutating func sink(from start: Int) {
        let element = elements[start]
        var hole = start
        while true {
            var child = 2 * hole + 1
            guard child < elements.count else { break }
            if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
            guard elements[child] < element else { break }
            elements[hole] = elements[child]
            hole = child
        }
        elements[hole] = element
    }
}
