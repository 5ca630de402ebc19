internal import CLinux
internal import Glibc
internal import Synchronization

/// A stand-in for a mail server on this machine: it takes every mail and keeps it as a file, on disk before it says so.
///
/// It listens on loopback only and relays nothing. Recipients that start with `bounce550` are refused for good, those
/// that start with `grey451` for now. The same mail sent twice is kept twice.
public final class MailSandbox: Sendable {
    public struct Settings: Sendable {
        /// Where the mails go; made when there is none.
        public var folder: String
        /// 0 takes any free port.
        public var port = 0
        /// Bytes of one mail; more is refused with 552.
        public var sizeLimit = 25 << 20
        /// Conversations at a time, each on a thread of its own; one more is told to come later.
        public var connectionLimit = 32
        /// Seconds of silence after which a conversation is over.
        public var idleSeconds = 60

        public init(folder: String) { self.folder = folder }
    }

    /// The port it listens on, on 127.0.0.1.
    public let port: Int
    private let office: MailOffice

    /// Starts listening. Throws ``MailSandboxError``, or what the file system says about the folder.
    public init(_ settings: Settings) throws {
        let folder = try MailFolder(path: settings.folder)
        let (listener, port) = try MailSocket.listen(port: settings.port)
        self.port = port
        office = MailOffice(settings, folder, listener: listener)
        office.start { office in office.acceptAll() }
    }

    /// How many mails the folder holds.
    public func count() throws -> Int { try office.folder.count() }

    /// Takes no more connections, closes those that stand, and waits for their threads. What was acknowledged is kept.
    public func stop() async { await office.stop() }

    deinit { office.closeAll() }
}

/// The threads of a mail sandbox: one accepts, the others converse.
private final class MailOffice: Sendable {
    private struct State {
        var listener: CInt
        var connections: Set<CInt> = []
        var threads = 0
        var isStopping = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let folder: MailFolder
    private let settings: MailSandbox.Settings
    private let listener: CInt
    private let state: Mutex<State>

    init(_ settings: MailSandbox.Settings, _ folder: MailFolder, listener: CInt) {
        self.settings = settings
        self.folder = folder
        self.listener = listener
        state = Mutex(State(listener: listener))
    }

    deinit { close(listener) }

    /// Runs `work` on a thread of its own.
    func start(_ work: @escaping @Sendable (MailOffice) -> Void) {
        state.withLock { $0.threads += 1 }
        let body = ThreadBody {
            work(self)
            self.threadEnded()
        }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(body).toOpaque()
        let status = unsafe pthread_create(&thread, nil, mailThreadMain, context)
        precondition(status == 0, "cannot start a thread: error \(status)")
        pthread_detach(thread)
    }

    func stop() async {
        closeAll()
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.threads == 0 { return true }
                state.waiters.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Wakes every thread out of its socket; each closes its own.
    func closeAll() {
        state.withLock { state in
            state.isStopping = true
            shutdown(listener, CInt(SHUT_RDWR))
            for connection in state.connections { shutdown(connection, CInt(SHUT_RDWR)) }
        }
    }

    func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 {
                guard [EINTR, ECONNABORTED, EMFILE, ENFILE].contains(errno), !state.withLock(\.isStopping) else {
                    return
                }
                // Without a descriptor to spare the connection waits in the kernel; asking at once would only spin.
                if [EMFILE, ENFILE].contains(errno) { usleep(10_000) }
                continue
            }
            let (isWelcome, isStopping) = state.withLock { state in
                let isWelcome = !state.isStopping && state.connections.count < settings.connectionLimit
                if isWelcome { state.connections.insert(connection) }
                return (isWelcome, state.isStopping)
            }
            if isWelcome {
                start { office in office.converse(connection) }
            } else {
                if !isStopping { _ = MailSocket.write("421 4.3.2 too many connections\r\n", to: connection) }
                close(connection)
            }
        }
    }

    private func converse(_ connection: CInt) {
        MailSocket.prepare(connection, silence: settings.idleSeconds)
        var lines = LineReader(connection)
        var session = SMTPSession(sizeLimit: settings.sizeLimit)
        var isOpen = MailSocket.write("220 sandbox ESMTP\r\n", to: connection)
        while isOpen, let line = lines.next() {
            switch session.receive(line) {
            case .readOn: break
            case .reply(let reply): isOpen = MailSocket.write(reply + "\r\n", to: connection)
            case .deliver(let mail): isOpen = MailSocket.write(store(mail) + "\r\n", to: connection)
            case .close(let reply):
                _ = MailSocket.write(reply + "\r\n", to: connection)
                isOpen = false
            }
        }
        state.withLock { state in
            state.connections.remove(connection)
            close(connection)
        }
    }

    private func store(_ mail: SMTPSession.Mail) -> String {
        do {
            return "250 2.0.0 queued as \(try folder.store(mail))"
        } catch {
            return "451 4.3.0 \(error)"
        }
    }

    private func threadEnded() {
        let waiters = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

// A C callback must not be formed in an isolated context: it would trap on the new thread.
private nonisolated func mailThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe _ = billwright_name_thread("mail-sandbox")
    unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
