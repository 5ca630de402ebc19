internal import Glibc
internal import Postgres
internal import Synchronization
internal import TestSupport

/// Stands between a client and the test server on a loopback port and spoils the traffic as told.
///
/// One thread for all its connections. It ends with the process or with `stop()`.
final class Proxy: Sendable {
    enum Fault: Sendable {
        case none
        /// Delivers nothing more in either direction, and tells nobody: what a lost cable looks like.
        case silence
        /// Delivers what holds this text, waits for the server's answer and hangs up instead of delivering that.
        case cutAfter(String)
    }

    private struct Pair {
        let client: CInt
        let server: CInt
        var isCutting = false
    }

    let port: UInt16
    private let listener: CInt
    private let target: (host: String, port: String)
    private let state = Mutex((fault: Fault.none, isStopped: false))

    init() async throws {
        let connection = try await PostgresConnection.connect(TestCluster.configuration())
        let row = try await connection.query(
            "SELECT current_setting('unix_socket_directories'), current_setting('port')"
        ).only(String.self, String.self)
        await connection.close()
        target = (row.0.split(separator: ",").first.map(String.init) ?? "", row.1)
        (listener, port) = Self.listenOnLoopback()
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let started = unsafe pthread_create(&thread, nil, proxyMain, context)
        precondition(started == 0, "the proxy has no thread")
        pthread_detach(thread)
    }

    static func listenOnLoopback() -> (listener: CInt, port: UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe bind(listener, address, length) == 0, listen(listener, 16) == 0 else { return CInt(-1) }
                return unsafe getsockname(listener, address, &length)
            }
        }
        precondition(status == 0, "the proxy cannot listen: errno \(errno)")
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    /// The same database by way of this proxy.
    func configuration(of database: TestDatabase) throws -> PostgresConfiguration {
        try PostgresConfiguration(
            "host=127.0.0.1 port=\(port) sslmode=disable gssencmode=disable user=\(database.configuration.user ?? "postgres") dbname=\(database.name)"
        )
    }

    func setFault(_ fault: Fault) { state.withLock { $0.fault = fault } }
    func stop() { state.withLock { $0.isStopped = true } }

    fileprivate func run() {
        var pairs: [Pair] = []
        while !state.withLock({ $0.isStopped }) {
            let fault = state.withLock { $0.fault }
            var descriptors = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            if case .silence = fault {
            } else {
                for pair in pairs {
                    descriptors.append(pollfd(fd: pair.client, events: Int16(POLLIN), revents: 0))
                    descriptors.append(pollfd(fd: pair.server, events: Int16(POLLIN), revents: 0))
                }
            }
            // A short wait, so that a fault set meanwhile is seen.
            _ = unsafe poll(&descriptors, nfds_t(descriptors.count), 5)
            if descriptors[0].revents != 0 { accept(into: &pairs) }
            var ended: Set<Int> = []
            for index in 1..<descriptors.count where descriptors[index].revents != 0 {
                let pair = (index - 1) / 2
                if !forward(&pairs[pair], fromClient: index % 2 == 1, fault) { ended.insert(pair) }
            }
            for index in ended.sorted(by: >) { hangUp(pairs.remove(at: index)) }
        }
        for pair in pairs { hangUp(pair) }
        close(listener)
    }

    private func forward(_ pair: inout Pair, fromClient: Bool, _ fault: Fault) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = unsafe read(fromClient ? pair.client : pair.server, &buffer, buffer.count)
        guard count > 0 else { return false }
        if pair.isCutting, !fromClient { return false }
        if fromClient, case .cutAfter(let text) = fault, contains(buffer[..<count], text) { pair.isCutting = true }
        return unsafe write(fromClient ? pair.server : pair.client, buffer, count) == count
    }

    private func contains(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        String(decoding: bytes, as: UTF8.self).contains(text)
    }

    private func hangUp(_ pair: Pair) {
        close(pair.client)
        close(pair.server)
    }

    private func accept(into pairs: inout [Pair]) {
        let client = Glibc.accept(listener, nil, nil)
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = "\(target.host)/.s.PGSQL.\(target.port)"
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(server, $0, length) }
        }
        if client >= 0, status == 0 { return pairs.append(Pair(client: client, server: server)) }
        close(client)
        close(server)
    }
}

private nonisolated func proxyMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<Proxy>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
