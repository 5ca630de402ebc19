internal import CMicroHTTPD
internal import Glibc
internal import Synchronization

/// The library's daemon: its threads run from `start` until the value is destroyed.
@safe struct Daemon: ~Copyable {
    private let handle: OpaquePointer
    private let context: Unmanaged<ServerCore>

    static func start(
        _ settings: HTTPServer.Settings, _ core: ServerCore
    ) throws(HTTPServerError) -> Daemon {
        let context = unsafe Unmanaged.passRetained(core)
        let started = unsafe settings.address.withCString { address in
            var values = unsafe billwright_mhd_settings(
                address: address, port: UInt16(settings.port), threads: UInt32(settings.threads),
                connection_limit: UInt32(settings.connectionLimit), idle_seconds: UInt32(settings.idleSeconds),
                connection_memory: settings.headerLimit)
            return unsafe billwright_mhd_start(
                &values, context.toOpaque(), requestBegan, requestAdvanced, requestEnded)
        }
        guard let handle = unsafe started else {
            let reason = errno
            unsafe context.release()
            throw HTTPServerError.cannotListen(address: settings.address, port: settings.port, errno: reason)
        }
        return unsafe Daemon(handle: handle, context: context)
    }

    /// The port it listens on.
    var port: Int { unsafe Int(billwright_mhd_port(handle)) }

    /// Stops taking connections; those that stand go on.
    func quiesce() {
        let listener = unsafe MHD_quiesce_daemon(handle)
        if listener >= 0 { close(listener) }
    }

    /// Joins the library's threads. They only ever copy memory, so this does not wait for anybody's work; but no
    /// connection may be suspended any more, or the library aborts the process.
    deinit {
        unsafe MHD_stop_daemon(handle)
        unsafe context.release()
    }
}

/// What the library's callbacks reach: the limits, the handler, and the exchanges under way.
final class ServerCore: Sendable {
    private struct State {
        var exchanges: [ObjectIdentifier: Exchange] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isClosing = false
    }

    fileprivate let bodyLimit: Int
    fileprivate let handler: @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    private let state = Mutex(State())

    init(bodyLimit: Int, handler: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse) {
        self.bodyLimit = bodyLimit
        self.handler = handler
    }

    /// Returns when no exchange is under way.
    func idle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.exchanges.isEmpty { return true }
                state.waiters.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Cancels every handler and answers 503 in its place, and to every request that still comes. Afterwards no
    /// connection is suspended and none will be.
    func abandonAll() {
        let exchanges = state.withLock { state in
            state.isClosing = true
            return Array(state.exchanges.values)
        }
        for exchange in exchanges { exchange.abandon() }
    }

    fileprivate func begin(target: String) -> Exchange {
        state.withLock { state in
            let exchange = Exchange(target: target, bodyLimit: bodyLimit, isAbandoned: state.isClosing)
            state.exchanges[ObjectIdentifier(exchange)] = exchange
            return exchange
        }
    }

    fileprivate func end(_ exchange: Exchange) {
        let waiters = state.withLock { state in
            state.exchanges[ObjectIdentifier(exchange)] = nil
            guard state.exchanges.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

// The three callbacks run on the library's threads: they capture nothing and never wait.

private func requestBegan(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context, let target = unsafe target else { return nil }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    let exchange = unsafe core.begin(target: String(cString: target))
    return unsafe Unmanaged.passRetained(exchange).toOpaque()
}

private func requestAdvanced(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadSize: UnsafeMutablePointer<Int>?, _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context = unsafe context, let handle = unsafe connection, let method = unsafe method,
        let size = unsafe uploadSize, let pointer = unsafe request?.pointee
    else { return billwright_mhd_no }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()
    let connection = unsafe Exchange.Connection(handle)
    let bytes = unsafe UnsafeRawBufferPointer(start: upload, count: size.pointee)
    let step = unsafe exchange.advance(upload: bytes)
    unsafe size.pointee = 0
    switch step {
    case .readOn: return billwright_mhd_yes
    case .drop: return billwright_mhd_no
    case .send(let answer): return connection.queue(answer) ? billwright_mhd_yes : billwright_mhd_no
    case .start:
        let method = unsafe String(cString: method)
        guard let answer = exchange.run(on: connection, method: method, handler: core.handler) else {
            return billwright_mhd_yes
        }
        return connection.queue(answer) ? billwright_mhd_yes : billwright_mhd_no
    }
}

private func requestEnded(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ reason: MHD_RequestTerminationCode
) {
    guard let context = unsafe context, let request = unsafe request, let pointer = unsafe request.pointee else {
        return
    }
    let core = unsafe Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    unsafe core.end(Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue())
    unsafe request.pointee = nil
}
