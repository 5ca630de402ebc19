internal import Chance

/// What is thrown for a history; its seed throws the same again.
struct Dice {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(generator.next() % UInt64(range.upperBound - range.lowerBound + 1))
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
