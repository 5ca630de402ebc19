internal import CLinux
internal import Glibc

/// Follows `NOTIFY` on a connection of its own, and says whenever something may have been missed.
///
/// A notification is a hint that there is something to look at, never the only trace of it: those sent while the
/// listener
/// was away are lost. `.connected` therefore means "look now". A peer that vanished without a word is noticed within
/// `pingInterval` plus `pingTimeout`, and the listener connects again with growing pauses.
public final class PostgresListener: Sendable {
    /// What the listener tells.
    public enum Event: Sendable {
        /// The channels are listened to from now on. Sent again when the consumer was too slow and events were dropped.
        case connected
        /// Someone ran `NOTIFY channel, 'payload'`.
        case notification(channel: String, payload: String)
        /// The connection is gone, or could not be made; the next attempt follows by itself.
        case disconnected(PostgresError)
    }

    /// What happened, in order; for one consumer. It ends after `stop()`; ending the iteration stops the listener.
    public let events: AsyncStream<Event>

    private let stopper: Stopper

    /// Begins to listen.
    /// - Parameters:
    ///   - channels: at least one; each a name of at most 63 bytes, taken as it is written.
    ///   - pingInterval: after how much silence to ask the server whether it is still there.
    ///   - pingTimeout: how long it may take to answer.
    /// - Throws: `.invalidIdentifier` for a channel that cannot be one.
    public init(
        _ configuration: PostgresConfiguration, channels: [String], pingInterval: Duration = .seconds(10),
        pingTimeout: Duration = .seconds(5)
    ) throws(PostgresError) {
        precondition(!channels.isEmpty, "a listener listens to something")
        var statements: [SQL] = []
        for channel in channels { statements.append("LISTEN \(try SQL.identifier(channel))") }
        // Enough for a burst; a consumer that is further behind has to look for itself anyway.
        let (events, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(4096))
        let wakeUp = WakeUp()
        let loop = ListenerLoop(
            configuration: configuration, statements: statements, pingInterval: pingInterval,
            pingTimeout: pingTimeout, wakeUp: wakeUp,
            continuation: continuation)
        stopper = Stopper(task: Task { await loop.run() }, wakeUp: wakeUp)
        self.events = events
        continuation.onTermination = { [stopper] _ in stopper.stop() }
    }

    deinit { stopper.stop() }

    /// Ends the listener at once, also while it waits.
    public func stop() { stopper.stop() }
}

private struct Stopper: Sendable {
    let task: Task<Void, Never>
    let wakeUp: WakeUp

    func stop() {
        task.cancel()
        wakeUp.wake()
    }
}

/// Ends a wait in poll(2), for good.
private final class WakeUp: Sendable {
    let descriptor: CInt

    init() {
        descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(descriptor >= 0, "cannot create an eventfd: errno \(errno)")
    }

    deinit { Glibc.close(descriptor) }

    func wake() { eventfd_write(descriptor, 1) }
}

/// The listener's work, in a task of its own.
private struct ListenerLoop: Sendable {
    let configuration: PostgresConfiguration
    let statements: [SQL]
    let pingInterval: Duration
    let pingTimeout: Duration
    let wakeUp: WakeUp
    let continuation: AsyncStream<PostgresListener.Event>.Continuation

    func run() async {
        var backoff = Backoff()
        while !Task.isCancelled {
            do throws(PostgresError) {
                let connection = try await PostgresConnection.connect(configuration)
                _ = try await connection.pipeline(statements)
                backoff.reset()
                continuation.yield(.connected)
                try await follow(connection)
                await connection.close()
            } catch {
                continuation.yield(.disconnected(error))
                // Cancelled when the listener is stopped, and the loop ends.
                try? await Task.sleep(for: backoff.next(), clock: .continuous)
            }
        }
        continuation.finish()
    }

    /// Passes on what arrives until the task is cancelled or the connection turns out to be dead.
    private func follow(_ connection: PostgresConnection) async throws(PostgresError) {
        var hasDropped = false
        while !Task.isCancelled {
            let news = try await connection.notifications(until: .now + pingInterval, wakeUp: wakeUp.descriptor)
            if hasDropped, case .enqueued = continuation.yield(.connected) { hasDropped = false }
            for (channel, payload) in news {
                let result = continuation.yield(.notification(channel: channel, payload: payload))
                if case .dropped = result { hasDropped = true }
            }
            if news.isEmpty, !Task.isCancelled {
                _ = try await connection.query("SELECT 1", deadline: .now + pingTimeout)
            }
        }
    }
}

extension PostgresConnection {
    /// Waits for notifications; none when the deadline has passed or `wakeUp` became readable.
    fileprivate func notifications(
        until deadline: ContinuousClock.Instant, wakeUp: CInt
    ) throws(PostgresError) -> [(channel: String, payload: String)] {
        guard handle.isAlive else { throw .closed }
        while true {
            guard handle.consumeInput() else { throw lost(handle.message, .statement) }
            var news: [(channel: String, payload: String)] = []
            while let next = handle.nextNotification() { news.append(next) }
            guard news.isEmpty else { return news }
            guard Poll.wait(handle.socket, for: .readable, until: deadline, wakeUp: wakeUp) == .ready else { return [] }
        }
    }
}
