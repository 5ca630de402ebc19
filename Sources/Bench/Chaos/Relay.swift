internal import Glibc
internal import Synchronization

/// Stands between workers and the server's socket, and silences listeners.
///
/// One thread carries all connections until `stop`.
final class Relay: Sendable {
    private struct Pair {
        let client: CInt
        let server: CInt
        var isListener = false
        var isSilent = false
    }

    private struct State {
        var silencesWanted = 0
        var silenced = 0
        var listenersSeen = 0
        var isStopped = false
    }

    private let listener: CInt
    private let target: String
    private let state = Mutex(State())

    /// `folder` holds the socket as a client of Postgres looks for it.
    init(folder: String, target: String) throws {
        self.target = target
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        let status = unsafe Self.withAddress("\(folder)/.s.PGSQL.5432") { unsafe bind(listener, $0, $1) }
        guard status == 0, listen(listener, 64) == 0 else { throw CannotRelay(reason: errno) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        guard unsafe pthread_create(&thread, nil, relayMain, context) == 0 else { throw CannotRelay(reason: errno) }
        pthread_detach(thread)
    }

    struct CannotRelay: Error, CustomStringConvertible {
        let reason: Int32
        var description: String { "cannot relay to the server (errno \(reason))" }
    }

    /// Forwards nothing more on the listeners' connections that stand now, and closes none of them.
    func silenceListeners() { state.withLock { $0.silencesWanted += 1 } }

    /// How many were silenced, and how many listeners have come since the first.
    var counts: (silenced: Int, listeners: Int) { state.withLock { ($0.silenced, $0.listenersSeen) } }

    func stop() { state.withLock { $0.isStopped = true } }

    fileprivate func run() {
        var pairs: [Pair] = []
        while !state.withLock({ $0.isStopped }) {
            if state.withLock({ $0.silencesWanted }) > 0 { silence(&pairs) }
            var descriptors = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            for pair in pairs {
                // A negative descriptor is not looked at.
                descriptors.append(pollfd(fd: pair.isSilent ? -1 : pair.client, events: Int16(POLLIN), revents: 0))
                descriptors.append(pollfd(fd: pair.isSilent ? -1 : pair.server, events: Int16(POLLIN), revents: 0))
            }
            // A short wait, so that an order given meanwhile is heard.
            _ = unsafe poll(&descriptors, nfds_t(descriptors.count), 50)
            var ended: Set<Int> = []
            for index in 1..<descriptors.count where descriptors[index].revents != 0 {
                let pair = (index - 1) / 2
                if !forward(&pairs[pair], fromClient: index % 2 == 1) { ended.insert(pair) }
            }
            for index in ended.sorted(by: >) { hangUp(pairs.remove(at: index)) }
            if descriptors[0].revents != 0, let pair = accept() { pairs.append(pair) }
        }
        for pair in pairs { hangUp(pair) }
        close(listener)
    }

    /// An order stands until there is a listener to silence.
    private func silence(_ pairs: inout [Pair]) {
        let found = pairs.indices.filter { pairs[$0].isListener && !pairs[$0].isSilent }
        guard !found.isEmpty else { return }
        for index in found { pairs[index].isSilent = true }
        state.withLock { state in
            state.silencesWanted -= 1
            state.silenced += found.count
            state.listenersSeen = 0
        }
    }

    private func forward(_ pair: inout Pair, fromClient: Bool) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = unsafe read(fromClient ? pair.client : pair.server, &buffer, buffer.count)
        guard count > 0 else { return false }
        if fromClient { inspect(buffer, count, &pair) }
        var sent = 0
        while sent < count {
            let rest = Array(buffer[sent..<count])
            let written = unsafe write(fromClient ? pair.server : pair.client, rest, rest.count)
            guard written > 0 else { return false }
            sent += written
        }
        return true
    }

    private func inspect(_ buffer: [UInt8], _ count: Int, _ pair: inout Pair) {
        if !pair.isListener, buffer[..<count].firstRange(of: Array("LISTEN ".utf8)) != nil {
            pair.isListener = true
            state.withLock { $0.listenersSeen += 1 }
        }
    }

    private func hangUp(_ pair: Pair) {
        close(pair.client)
        close(pair.server)
    }

    private func accept() -> Pair? {
        let client = Glibc.accept(listener, nil, nil)
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        let status = unsafe Self.withAddress(target) { unsafe connect(server, $0, $1) }
        if client >= 0, status == 0 { return Pair(client: client, server: server) }
        close(client)
        close(server)
        return nil
    }

    private static func withAddress(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}

private nonisolated func relayMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<Relay>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
