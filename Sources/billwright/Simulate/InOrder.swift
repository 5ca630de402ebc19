internal import FoundationEssentials

/// Does `body` for every element, for as many at a time as there are cores, and `tell`s of each in their order as soon as
/// it and all before it are done. Throws when it is cancelled.
func inOrder<Element: Sendable, Value: Sendable>(
    _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Value,
    tell: (Int, Result<Value, any Error>) -> Void
) async throws {
    try await withThrowingTaskGroup(of: (Int, Result<Value, any Error>).self) { group in
        var waiting = elements.enumerated().makeIterator()
        func begin() {
            guard let (place, element) = waiting.next() else { return }
            group.addTask {
                do { return (place, .success(try await body(element))) } catch { return (place, .failure(error)) }
            }
        }
        for _ in 0..<max(ProcessInfo.processInfo.activeProcessorCount, 1) { begin() }
        var done: [Int: Result<Value, any Error>] = [:]
        var told = 0
        while let (place, result) = try await group.next() {
            try Task.checkCancellation()
            done[place] = result
            begin()
            while let next = done.removeValue(forKey: told) {
                tell(told, next)
                told += 1
            }
        }
    }
}
