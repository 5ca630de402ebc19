internal import CLinux
internal import Glibc
internal import Synchronization

/// One thread that runs its actors' work in order and is allowed to block.
///
/// An actor that names this as its executor owns a C handle safely: every call into the library happens on this one
/// thread, and a slow call delays only the actors that share it, never the cooperative pool.
/// The thread ends after `stop()`, when the work enqueued before it has run.
public final class ThreadExecutor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let wakeups: CInt
    private let name: String

    /// Starts the thread. `name` shows in `top -H` and debuggers; the kernel keeps its first 15 bytes.
    public init(name: String) {
        self.name = name
        wakeups = eventfd(0, CInt(EFD_CLOEXEC))
        precondition(wakeups >= 0, "cannot create an eventfd: errno \(errno)")
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(&thread, nil, threadMain, context)
        precondition(status == 0, "cannot start thread \(name): error \(status)")
        pthread_detach(thread)
    }

    deinit { close(wakeups) }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let wasEmpty = state.withLock { state in
            state.jobs.append(job)
            return state.jobs.count == 1
        }
        if wasEmpty { eventfd_write(wakeups, 1) }
    }

    /// Lets the thread end once its queue is empty. Work enqueued later never runs, so call it from the owner only,
    /// after its last call.
    public func stop() {
        state.withLock { $0.isStopping = true }
        eventfd_write(wakeups, 1)
    }

    fileprivate func run() {
        unsafe _ = billwright_name_thread(name)
        var count: eventfd_t = 0
        var batch: [UnownedJob] = []
        while unsafe eventfd_read(wakeups, &count) == 0 || errno == EINTR {
            repeat {
                batch.removeAll(keepingCapacity: true)
                let isStopping = state.withLock { state in
                    swap(&batch, &state.jobs)
                    return state.isStopping
                }
                for job in batch { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
                if isStopping && batch.isEmpty { return }
            } while !batch.isEmpty
        }
    }
}

// A C callback must not be formed in an isolated context: it would trap on the new thread.
private nonisolated func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<ThreadExecutor>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
