import Glibc

/// A TCP server on loopback that does to its connections what the test says, each on its own thread.
final class LoopbackListener: Sendable {
    let port: Int
    private let descriptor: CInt

    /// `serve` gets every accepted connection and its number, from 0; the connection is closed when it returns.
    init(_ serve: @escaping @Sendable (LoopbackConnection, Int) -> Void) {
        (descriptor, port) = Self.listen()
        let listener = descriptor
        Self.startThread {
            var number = 0
            while true {
                let socket = accept(listener, nil, nil)
                guard socket >= 0 else {
                    close(listener)
                    return
                }
                let count = number
                Self.startThread {
                    serve(LoopbackConnection(descriptor: socket), count)
                    close(socket)
                }
                number += 1
            }
        }
    }

    /// Closes the listening socket: later connections are refused.
    deinit { shutdown(descriptor, CInt(SHUT_RDWR)) }

    private static func startThread(_ run: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(ThreadBody(run)).toOpaque()
        let status = unsafe pthread_create(&thread, nil, threadMain, context)
        precondition(status == 0)
        pthread_detach(thread)
    }

    /// A port that nothing listens on.
    static func closedPort() -> Int {
        let (descriptor, port) = listen()
        close(descriptor)
        return port
    }

    private static func listen() -> (CInt, Int) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                let status = unsafe bind(descriptor, pointer, size)
                precondition(status == 0 && Glibc.listen(descriptor, 16) == 0)
                unsafe getsockname(descriptor, pointer, &size)
            }
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}

struct LoopbackConnection: Sendable {
    let descriptor: CInt

    /// Reads until `ending` has come or the peer closed; what came is the answer.
    @discardableResult func read(until ending: String) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe recv(descriptor, &byte, 1, 0) == 1 {
            bytes.append(byte)
            if bytes.count >= ending.utf8.count && bytes.suffix(ending.utf8.count).elementsEqual(ending.utf8) { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads until the peer closed.
    func readAll() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
    }

    /// Waits for the peer to close.
    func awaitClose() {
        var byte: UInt8 = 0
        while unsafe recv(descriptor, &byte, 1, 0) == 1 {}
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private nonisolated func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
