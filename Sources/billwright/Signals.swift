internal import Dispatch
internal import Glibc
internal import Runtime

/// Turns SIGTERM and SIGINT into orders to stop: the first drains, the second ends at once.
struct Signals {
    private let sources: [any DispatchSourceSignal]

    init(_ drain: Drain) {
        sources = [SIGTERM, SIGINT].map { number in
            // The default action would end the process before the source is asked.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { drain.advance() }
            source.resume()
            return source
        }
    }

    func cancel() { sources.forEach { $0.cancel() } }
}

extension Drain {
    /// What `body` returns; nil when told to stop first: then it is cancelled and waited for.
    func unlessStopped<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.wait(for: .draining)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
