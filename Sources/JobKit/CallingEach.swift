/// Calls out for each element, at most so many at a time, and returns the answers in the elements' order. Calls that have
/// not begun after `limit` are not made: nil. So the last one ends soon after, however slow the counterpart is.
public func callEach<Element: Sendable, Answer: Sendable>(
    _ elements: [Element], atMost width: Int, within limit: Duration,
    _ call: @escaping @Sendable (Element) async -> Answer
) async -> [Answer?] {
    let deadline = ContinuousClock.now + limit
    return await withTaskGroup(of: (Int, Answer?).self) { group in
        var waiting = elements.enumerated().makeIterator()
        func begin() {
            guard let (place, element) = waiting.next() else { return }
            group.addTask { (place, ContinuousClock.now < deadline ? await call(element) : nil) }
        }
        for _ in 0..<width { begin() }
        var answers: [Answer?] = Array(repeating: nil, count: elements.count)
        while let (place, answer) = await group.next() {
            answers[place] = answer
            begin()
        }
        return answers
    }
}
