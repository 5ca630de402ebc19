internal import CLinux
internal import Glibc
internal import Synchronization

/// The one thread that talks to libcurl, with any number of transfers in flight.
///
/// `run` may be called from any task. A transfer whose task is cancelled is dropped and its connection closed. The
/// thread ends when the last reference to this object goes, which no running transfer lets happen.
final class TransferThread: Sendable {
    private let inbox: TransferInbox

    /// `concurrent` transfers run at a time, `waiting` more wait for their turn, and one beyond is refused at once.
    init(name: String, concurrent: Int, waiting: Int) {
        precondition(concurrent > 0 && waiting >= 0, "a transfer thread needs room for a transfer")
        inbox = TransferInbox(name: name, concurrent: concurrent, waiting: waiting)
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(inbox).toOpaque()
        let status = unsafe pthread_create(&thread, nil, transferThreadMain, context)
        precondition(status == 0, "cannot start thread \(name): error \(status)")
        pthread_detach(thread)
    }

    deinit { inbox.stop() }

    /// Performs the plan and answers how it ended; never throws, because what an ending means is the protocol's to say.
    func run(_ plan: TransferPlan) async -> TransferReport {
        let id = inbox.nextID()
        defer { inbox.forget(id) }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { inbox.submit(Submission(id: id, plan: plan, continuation: $0)) }
        } onCancel: {
            inbox.cancel(id)
        }
    }
}

/// A plan on its way to the thread, and who waits for its report.
struct Submission: Sendable {
    let id: UInt
    let plan: TransferPlan
    let deadline: ContinuousClock.Instant
    private let continuation: CheckedContinuation<TransferReport, Never>

    init(id: UInt, plan: TransferPlan, continuation: CheckedContinuation<TransferReport, Never>) {
        self.id = id
        self.plan = plan
        self.continuation = continuation
        deadline = .now + plan.totalTimeout
    }

    func finish(_ report: TransferReport) { continuation.resume(returning: report) }

    func finish(_ ending: TransferReport.Ending, _ message: String) {
        finish(TransferReport(ending: ending, message: message))
    }
}

/// What tasks leave for the thread. An eventfd wakes the thread out of its poll.
final class TransferInbox: Sendable {
    private struct State {
        var lastID: UInt = 0
        var submissions: [Submission] = []
        var cancelled: Set<UInt> = []
        var isStopping = false
    }

    let name: String
    let concurrent: Int
    let waiting: Int
    let wakeups: CInt
    private let state = Mutex(State())

    init(name: String, concurrent: Int, waiting: Int) {
        self.name = name
        self.concurrent = concurrent
        self.waiting = waiting
        wakeups = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        precondition(wakeups >= 0, "cannot create an eventfd: errno \(errno)")
    }

    deinit { close(wakeups) }

    func nextID() -> UInt {
        state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    func submit(_ submission: Submission) {
        state.withLock { $0.submissions.append(submission) }
        eventfd_write(wakeups, 1)
    }

    /// A cancellation may come before its submission, so it stays on record until the task forgets it.
    func cancel(_ id: UInt) {
        state.withLock { _ = $0.cancelled.insert(id) }
        eventfd_write(wakeups, 1)
    }

    func forget(_ id: UInt) { state.withLock { _ = $0.cancelled.remove(id) } }

    func stop() {
        state.withLock { $0.isStopping = true }
        eventfd_write(wakeups, 1)
    }

    fileprivate func take() -> (submissions: [Submission], cancelled: Set<UInt>, isStopping: Bool) {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(wakeups, &count)
        return state.withLock { state in
            defer { state.submissions = [] }
            return (state.submissions, state.cancelled, state.isStopping)
        }
    }
}

/// A transfer libcurl is working on.
private final class RunningTransfer {
    let submission: Submission
    let easy: EasyHandle

    init(_ submission: Submission, _ easy: consuming EasyHandle) {
        self.submission = submission
        self.easy = easy
    }
}

/// The thread's own state: nothing here is seen by another thread.
private struct TransferLoop: ~Copyable {
    private let inbox: TransferInbox
    private let multi: MultiHandle
    private var running: [UInt: RunningTransfer] = [:]
    private var waiting: [Submission] = []
    /// Mails that are being cut off, which libcurl has yet to say.
    private var dropped: Set<UInt> = []

    init(_ inbox: TransferInbox) {
        self.inbox = inbox
        multi = MultiHandle(keptConnections: inbox.concurrent)
    }

    mutating func run() {
        while true {
            let (submissions, cancelled, isStopping) = inbox.take()
            if isStopping && submissions.isEmpty && running.isEmpty && waiting.isEmpty { return }
            waiting += submissions
            drop(cancelled)
            expire()
            startWaiting()
            for (id, code) in multi.perform() {
                let wasDropped = dropped.remove(id) != nil
                end(id, code == 0 ? .completed : wasDropped ? .cancelled : .failed(code: code))
            }
            if waiting.isEmpty || running.count == inbox.concurrent { multi.wait(wakeups: inbox.wakeups) }
        }
    }

    private mutating func drop(_ cancelled: Set<UInt>) {
        guard !cancelled.isEmpty else { return }
        for id in cancelled {
            guard let transfer = running[id] else { continue }
            if transfer.easy.cutOff() {
                dropped.insert(id)
            } else {
                end(id, .cancelled)
            }
        }
        for submission in waiting where cancelled.contains(submission.id) {
            submission.finish(.cancelled, "cancelled before it was sent")
        }
        waiting.removeAll { cancelled.contains($0.id) }
    }

    private mutating func expire() {
        guard !waiting.isEmpty else { return }
        let now = ContinuousClock.now
        for submission in waiting where submission.deadline <= now {
            submission.finish(.timedOutWaiting, "timed out before its turn to be sent")
        }
        waiting.removeAll { $0.deadline <= now }
    }

    private mutating func startWaiting() {
        let starting = waiting.prefix(inbox.concurrent - running.count)
        waiting.removeFirst(starting.count)
        for submission in starting {
            var plan = submission.plan
            plan.totalTimeout = submission.deadline - .now
            guard let easy = EasyHandle.prepare(plan, id: submission.id), multi.add(easy) else {
                submission.finish(.failed(code: 2), "libcurl cannot set up the transfer")
                continue
            }
            running[submission.id] = RunningTransfer(submission, easy)
        }
        while waiting.count > inbox.waiting {
            waiting.removeLast().finish(.tooManyWaiting, "\(inbox.waiting) transfers are waiting already")
        }
    }

    private mutating func end(_ id: UInt, _ ending: TransferReport.Ending) {
        guard let transfer = running.removeValue(forKey: id) else { return }
        multi.remove(transfer.easy)
        transfer.submission.finish(transfer.easy.report(ending))
    }
}

// A C callback must not be formed in an isolated context: it would trap on the new thread.
private nonisolated func transferThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let inbox = unsafe Unmanaged<TransferInbox>.fromOpaque(context).takeRetainedValue()
    unsafe _ = billwright_name_thread(inbox.name)
    var loop = TransferLoop(inbox)
    loop.run()
    return nil
}
