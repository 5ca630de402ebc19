/// Work that many ask for and that is done once for all of them: never twice at a time, and not again within an interval
/// of its last end.
///
/// Counted from the end, so that work which takes longer than the interval still leaves the database a rest.
actor Refresh {
    private let interval: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let work: @Sendable () async -> Void
    private var running: Task<Void, Never>?
    private var lastEnd: ContinuousClock.Instant?

    init(
        every interval: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        work: @escaping @Sendable () async -> Void
    ) {
        self.interval = interval
        self.now = now
        self.work = work
    }

    /// Returns when the work is done, by this call or by the one that was already at it; at once when it is not due.
    func whenDue() async {
        if let running { return await running.value }
        if let lastEnd, now() - lastEnd < interval { return }
        // A task of its own: whoever asked first may go away while others wait.
        let task = Task {
            await work()
            end()
        }
        running = task
        await task.value
    }

    private func end() {
        running = nil
        lastEnd = now()
    }
}
