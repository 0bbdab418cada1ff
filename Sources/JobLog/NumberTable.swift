/// Values by the numbers that a log gives, found with one multiplication.
///
/// Streams and symbols are looked up several times for each event. A dictionary's hash withstands
/// keys that somebody chose, and costs more than what is then done with the value; these numbers
/// are given by the log, one after the other.
///
/// Open addressing with linear probing. Invariants: at most half of the places are taken, so a
/// search ends; what is taken out leaves no gap before what was put behind it.
public struct NumberTable<Value> {
    /// `vacant` where nothing is.
    @usableFromInline var numbers: ContiguousArray<Int64> = []
    @usableFromInline var values: ContiguousArray<Value?> = []
    @usableFromInline var taken = 0

    /// No log gives it.
    @inlinable static var vacant: Int64 { .min }
    @inlinable static var placesMin: Int { 16 }

    @inlinable
    public init() {}

    @inlinable
    public var count: Int { taken }

    /// The value of the number; nil where there is none.
    @inlinable
    public subscript(number: Int64) -> Value? {
        guard let place = place(of: number) else { return nil }
        return values[place]
    }

    /// Puts the value in place of what the number had. `Int64.min`, which no log gives, stays out.
    @inlinable
    public mutating func put(_ value: Value, at number: Int64) {
        guard number != Self.vacant else { return }
        if let place = place(of: number) {
            values[place] = value
            return
        }
        if 2 * (taken + 1) > numbers.count { grow() }
        insert(value, number)
    }

    /// Takes the value out; nil where there was none.
    @inlinable
    public mutating func remove(_ number: Int64) -> Value? {
        guard var gap = place(of: number) else { return nil }
        let value = values[gap]
        taken -= 1
        // What was put further on because of this one moves back.
        var place = after(gap)
        while numbers[place] != Self.vacant {
            let wanted = home(of: numbers[place])
            if distance(from: wanted, to: place) >= distance(from: gap, to: place) {
                numbers[gap] = numbers[place]
                values.swapAt(gap, place)
                gap = place
            }
            place = after(place)
        }
        numbers[gap] = Self.vacant
        values[gap] = nil
        return value
    }

    @inlinable
    public mutating func removeAll() { self = Self() }

    /// All that is in it, in no order.
    @inlinable
    public var all: [(number: Int64, value: Value)] {
        var all: [(number: Int64, value: Value)] = []
        for place in numbers.indices {
            if let value = values[place] { all.append((numbers[place], value)) }
        }
        return all
    }

    @inlinable
    public var isEmpty: Bool { taken == 0 }

    @inlinable
    func place(of number: Int64) -> Int? {
        guard !numbers.isEmpty, number != Self.vacant else { return nil }
        var place = home(of: number)
        while numbers[place] != number {
            if numbers[place] == Self.vacant { return nil }
            place = after(place)
        }
        return place
    }

    /// Where the search for the number begins. The product with 2^64 over the golden ratio spreads
    /// neighbours (Knuth, The Art of Computer Programming 3, 6.4); with both its halves numbers of
    /// any stride take few steps, which neither half gives alone.
    @inlinable
    func home(of number: Int64) -> Int {
        let product = UInt64(bitPattern: number).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: product.high ^ product.low) & (numbers.count - 1)
    }

    @inlinable
    func after(_ place: Int) -> Int { (place + 1) & (numbers.count - 1) }

    @inlinable
    func distance(from first: Int, to second: Int) -> Int {
        (second - first) & (numbers.count - 1)
    }

    @inlinable
    mutating func insert(_ value: Value, _ number: Int64) {
        var place = home(of: number)
        while numbers[place] != Self.vacant { place = after(place) }
        numbers[place] = number
        values[place] = value
        taken += 1
    }

    @inlinable
    mutating func grow() {
        let (oldNumbers, oldValues) = (numbers, values)
        let places = max(Self.placesMin, 2 * oldNumbers.count)
        numbers = ContiguousArray(repeating: Self.vacant, count: places)
        values = ContiguousArray(repeating: nil, count: places)
        taken = 0
        for place in oldNumbers.indices {
            if let value = oldValues[place] { insert(value, oldNumbers[place]) }
        }
    }
}
