internal import CLinux
internal import Glibc

/// The thread of one child: starts it, carries its output, reaps it, ends.
final class ChildThread {
    private let command: Command
    private var started: CheckedContinuation<ChildProcess, any Error>?

    private init(_ command: Command, started: CheckedContinuation<ChildProcess, any Error>) {
        self.command = command
        self.started = started
    }

    /// Returns at once; the outcome goes to `started`.
    static func begin(_ command: Command, started: CheckedContinuation<ChildProcess, any Error>) {
        let context = unsafe Unmanaged.passRetained(ChildThread(command, started: started)).toOpaque()
        var thread = pthread_t()
        let status = unsafe pthread_create(&thread, nil, childThreadMain, context)
        guard status == 0 else {
            unsafe Unmanaged<ChildThread>.fromOpaque(context).release()
            started.resume(throwing: CannotStart(executable: command.executable, reason: reason(status)))
            return
        }
        pthread_detach(thread)
    }

    fileprivate func run() {
        unsafe _ = billwright_name_thread("child")
        do {
            var plumbing = try Plumbing(command.output)
            let id = try spawn(plumbing)
            plumbing.closeChildEnds()
            let child = ChildProcess(id: id)
            started?.resume(returning: child)
            started = nil
            carryOutput(of: id, from: plumbing.reading)
            child.reap()
        } catch {
            started?.resume(throwing: CannotStart(executable: command.executable, reason: error.message))
        }
    }

    private func spawn(_ plumbing: borrowing Plumbing) throws(SystemError) -> CInt {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, plumbing.childOutput, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, plumbing.childError, 2)
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        unsafe posix_spawn_file_actions_addchdir_np(&actions, command.directory)

        // We may block or ignore signals that a child must obey; it starts with none of that.
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let arguments = command.argumentVector
        let program = arguments[0]
        let variables = command.environment?.map { "\($0.key)=\($0.value)" }
        var id: pid_t = 0
        let status = unsafe withCStrings(arguments) { arguments in
            guard let variables else {
                return unsafe posix_spawn(&id, program, &actions, &attributes, arguments, environ)
            }
            return unsafe withCStrings(variables) { variables in
                unsafe posix_spawn(&id, program, &actions, &attributes, arguments, variables)
            }
        }
        guard status == 0 else { throw SystemError(status) }
        return id
    }

    /// Returns when the child has ended and what it wrote is delivered. A grandchild may hold the pipes open for
    /// longer; it is the child that we wait for.
    private func carryOutput(of id: CInt, from reading: [(Command.Stream, CInt)]) {
        var deliver: (Command.Stream, String) -> Void = { _, _ in }
        if case .lines(let handler) = command.output { deliver = handler }
        let end = pidfd_open(id, 0)
        precondition(end >= 0, "cannot watch process \(id): \(reason(errno))")
        defer { close(end) }
        var open = reading.map { (stream: $0.0, descriptor: $0.1, lines: LineSplitter()) }
        while true {
            var watched = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            watched.append(pollfd(fd: end, events: Int16(POLLIN), revents: 0))
            guard unsafe poll(&watched, nfds_t(watched.count), -1) > 0 else { continue }
            for index in open.indices.reversed() where watched[index].revents != 0 {
                let isOpen = drain(open[index].descriptor) { bytes in
                    for line in open[index].lines.add(bytes) { deliver(open[index].stream, line) }
                }
                if isOpen { continue }
                if let rest = open[index].lines.finish() { deliver(open[index].stream, rest) }
                open.remove(at: index)
            }
            guard watched[watched.count - 1].revents != 0 else { continue }
            for index in open.indices {
                _ = drain(open[index].descriptor) { bytes in
                    for line in open[index].lines.add(bytes) { deliver(open[index].stream, line) }
                }
                if let rest = open[index].lines.finish() { deliver(open[index].stream, rest) }
            }
            return
        }
    }

    /// Reads what is there. False when the stream has ended.
    private func drain(_ descriptor: CInt, _ take: (ArraySlice<UInt8>) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count > 0 {
                take(buffer[..<count])
            } else if count == 0 {
                return false
            } else if errno != EINTR {
                return errno == EAGAIN
            }
        }
    }
}

/// The descriptors between us and one child; closes those of ours that are left.
private struct Plumbing: ~Copyable {
    private(set) var reading: [(Command.Stream, CInt)] = []
    private(set) var childOutput: CInt = -1
    private(set) var childError: CInt = -1

    init(_ output: Command.Output) throws(SystemError) {
        switch output {
        case .lines:
            childOutput = try addPipe(.output)
            childError = try addPipe(.error)
        case .file(let path):
            childOutput = try Self.open(path, O_WRONLY | O_CREAT | O_APPEND)
            childError = childOutput
        case .discarded:
            childOutput = try Self.open("/dev/null", O_WRONLY)
            childError = childOutput
        }
    }

    deinit {
        for (_, descriptor) in reading { close(descriptor) }
        for descriptor in Set([childOutput, childError]) where descriptor >= 0 { close(descriptor) }
    }

    /// Until we let go of them, the pipes would never end.
    mutating func closeChildEnds() {
        for descriptor in Set([childOutput, childError]) where descriptor >= 0 { close(descriptor) }
        childOutput = -1
        childError = -1
    }

    private mutating func addPipe(_ stream: Command.Stream) throws(SystemError) -> CInt {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError(errno) }
        reading.append((stream, ends[0]))
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return ends[1]
    }

    private static func open(_ path: String, _ flags: CInt) throws(SystemError) -> CInt {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("\(path): \(Processes.reason(errno))") }
        return descriptor
    }
}

private struct SystemError: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    init(_ number: CInt) {
        message = reason(number)
    }
}

/// The system's words for an error number.
private func reason(_ number: CInt) -> String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let base = buffer.baseAddress else { return "error \(number)" }
        unsafe _ = strerror_r(number, base, buffer.count)
        return unsafe String(cString: base)
    }
}

/// An array of C strings that ends with a null pointer, for the length of one call.
private func withCStrings(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt
) -> CInt {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
    defer { unsafe pointers.forEach { unsafe free($0) } }
    unsafe pointers.append(nil)
    return unsafe body(&pointers)
}

// A C callback must not be formed in an isolated context: it would trap on the new thread.
private nonisolated func childThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<ChildThread>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
