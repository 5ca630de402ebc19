internal import Glibc

/// The sockets of the mail sandbox: loopback only, with time-outs, and no signal when a peer is gone.
enum MailSocket {
    /// A listening socket and its port. 0 takes any that is free.
    static func listen(port: Int) throws(MailSandboxError) -> (descriptor: CInt, port: Int) {
        guard let number = UInt16(exactly: port) else { throw .cannotListen(port: port, errno: EINVAL) }
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .cannotListen(port: port, errno: errno) }
        var yes: CInt = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = number.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> CInt in
                guard unsafe bind(descriptor, pointer, size) == 0, Glibc.listen(descriptor, 64) == 0 else { return -1 }
                return unsafe getsockname(descriptor, pointer, &size)
            }
        }
        guard status == 0 else {
            let reason = errno
            close(descriptor)
            throw .cannotListen(port: port, errno: reason)
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A peer that says or takes nothing for so long is gone. No child process inherits the connection.
    static func prepare(_ descriptor: CInt, silence seconds: Int) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// False when the peer is gone.
    static func write(_ text: String, to descriptor: CInt) -> Bool {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe send(
                    descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written, CInt(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}

/// Splits what a socket brings into lines at CRLF, and at nothing else.
struct LineReader {
    /// A peer that sends more without ending the line is cut off.
    private static let longestLine = 64 << 10

    private let descriptor: CInt
    private var buffer: [UInt8] = []
    private var searched = 0

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// The next line without its CRLF; nil at the end, at a time-out, or when the line never ends.
    mutating func next() -> [UInt8]? {
        while true {
            if let end = lineEnd() {
                let line = Array(buffer[..<end])
                buffer.removeFirst(end + 2)
                searched = 0
                return line
            }
            guard buffer.count <= Self.longestLine, fill() else { return nil }
        }
    }

    private mutating func lineEnd() -> Int? {
        var index = searched
        while index + 1 < buffer.count {
            if buffer[index] == UInt8(ascii: "\r") && buffer[index + 1] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        searched = index
        return nil
    }

    private mutating func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            buffer += chunk[..<count]
            return true
        }
    }
}
