internal import Synchronization

/// Serves HTTP/1.1 on one address: each request is read whole within limits, handled in a task of its own, answered.
///
/// No handler ever runs on the library's threads, so a slow one delays nobody else. It listens from `init` until
/// `stop()`.
public final class HTTPServer: Sendable {
    /// Where to listen, and the limits that keep a bad client from being everyone's problem.
    public struct Settings: Sendable {
        /// A numeric IPv4 or IPv6 address. Loopback unless somebody decides otherwise.
        public var address = "127.0.0.1"
        /// 0 takes any free port; `HTTPServer.port` tells which.
        public var port = 0
        /// Threads that read and write sockets; handlers need none of them.
        public var threads = 2
        /// Connections at a time; more wait in the kernel's queue.
        public var connectionLimit = 512
        /// Seconds of silence after which a connection is closed. A running handler is no silence.
        public var idleSeconds = 30
        /// Bytes of body; more is answered 413.
        public var bodyLimit = 1 << 20
        /// Bytes of memory one connection has for its request line and header; more is answered 431 or 414.
        public var headerLimit = 32 << 10

        public init() {}
    }

    /// The port it listens on.
    public let port: Int
    private let core: ServerCore
    private let daemon: Mutex<Daemon?>

    /// Starts listening. The handler is called from many tasks at a time.
    public init(
        _ settings: Settings = Settings(), handler: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    ) throws(HTTPServerError) {
        guard (0...65_535).contains(settings.port) else { throw .notAPort(settings.port) }
        precondition(
            settings.threads > 0 && settings.connectionLimit >= settings.threads, "each thread needs a connection")
        let core = ServerCore(bodyLimit: settings.bodyLimit, handler: handler)
        let daemon = try Daemon.start(settings, core)
        self.core = core
        port = daemon.port
        self.daemon = Mutex(consume daemon)
    }

    /// Takes no more connections, waits until what runs has been answered, then closes everything. Handlers that are
    /// not done after `grace` are cancelled and answered 503. A second call has nothing left to do.
    public func stop(grace: Duration = .seconds(10)) async {
        daemon.withLock { $0?.quiesce() }
        await withTaskGroup(of: Void.self) { group in
            let core = core
            group.addTask { await core.idle() }
            group.addTask {
                // Cancelled as soon as all is answered.
                guard (try? await Task.sleep(for: grace)) != nil else { return }
                core.abandonAll()
            }
            await group.next()
            group.cancelAll()
        }
        close()
    }

    /// A server nobody stopped answers what runs with 503 and closes.
    deinit { close() }

    private func close() {
        daemon.withLock { daemon in
            guard daemon != nil else { return }
            core.abandonAll()
            daemon = nil
        }
    }
}

/// Why a server could not start.
public enum HTTPServerError: Error, Equatable, CustomStringConvertible {
    /// The address is not a number of this machine, or the port is taken or forbidden. `errno` is the system's reason.
    case cannotListen(address: String, port: Int, errno: Int32)
    /// A port is 0 to 65535.
    case notAPort(Int)

    public var description: String {
        switch self {
        case .cannotListen(let address, let port, let errno): "cannot listen on \(address):\(port) (errno \(errno))"
        case .notAPort(let port): "\(port) is not a port"
        }
    }
}
