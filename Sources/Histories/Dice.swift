/// Chance that a seed brings back: SplitMix64, the same on every machine.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func roll() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(roll() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// True so many times of a hundred.
    mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }

    /// One of those, which are never none.
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }

    /// One of those, more often the heavier ones.
    mutating func pick<Element>(weighed elements: [(weight: Int, Element)]) -> Element {
        var left = number(1...elements.reduce(0) { $0 + $1.weight })
        for (weight, element) in elements {
            left -= weight
            if left <= 0 { return element }
        }
        preconditionFailure("weights changed their sum")
    }

    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for index in elements.indices.dropFirst().reversed() { elements.swapAt(index, number(0...index)) }
        return elements
    }
}
