internal import JobKit
internal import Postgres

/// Tells workers that a queue gained jobs, after the commit and off its path.
///
/// While one NOTIFY is on its way others are gathered and sent with the next: a busy system sends few, and the last
/// wake-up is never dropped. A lost one costs a worker's poll interval, no more.
actor QueueWaker {
    static let channel = "billwright_queue"

    private let pool: PostgresPool
    private var pending: Set<QueueName> = []
    private var isSending = false

    init(pool: PostgresPool) { self.pool = pool }

    func wake(_ queues: some Sequence<QueueName> & Sendable) {
        pending.formUnion(queues)
        guard !isSending, !pending.isEmpty else { return }
        isSending = true
        Task { await send() }
    }

    private func send() async {
        while !pending.isEmpty {
            let names = pending.map(\.name).sorted()
            pending = []
            // A server that is away needs no wake-up: workers look for themselves when it is back.
            _ = try? await pool.query(
                "SELECT pg_notify(\(QueueWaker.channel), name) FROM unnest(\(names)) AS queue(name)")
        }
        isSending = false
    }

    /// Queues that gained jobs; nil after (re)connecting, when any may have.
    static func wakeUps(_ configuration: PostgresConfiguration) -> AsyncStream<QueueName?> {
        AsyncStream(bufferingPolicy: .bufferingNewest(64)) { continuation in
            guard let listener = try? PostgresListener(configuration, channels: [channel]) else {
                preconditionFailure("'\(channel)' is a fixed and valid channel")
            }
            let pump = Task {
                for await event in listener.events {
                    switch event {
                    case .connected: continuation.yield(nil)
                    case .notification(_, let payload): continuation.yield(QueueName(payload))
                    case .disconnected: continue
                    }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in
                pump.cancel()
                listener.stop()
            }
        }
    }
}
