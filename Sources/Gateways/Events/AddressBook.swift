internal import Glibc
internal import Threads

/// Looks names up, on a thread of its own that may wait for the answer.
actor AddressBook {
    private let executor = ThreadExecutor(name: "addresses")

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    deinit { executor.stop() }

    /// The numeric addresses of a host, each once, in the order in which they are to be tried; empty: it has none.
    func addresses(of host: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &found) == 0, let first = unsafe found else { return [] }
        defer { unsafe freeaddrinfo(first) }
        var addresses: [String] = []
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let entry = unsafe next {
            var text = [CChar](repeating: 0, count: 128)
            let status = unsafe text.withUnsafeMutableBufferPointer { text in
                unsafe getnameinfo(
                    entry.pointee.ai_addr, entry.pointee.ai_addrlen, text.baseAddress, socklen_t(text.count), nil, 0,
                    NI_NUMERICHOST)
            }
            let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if status == 0, !addresses.contains(address) { addresses.append(address) }
            unsafe next = unsafe entry.pointee.ai_next
        }
        return addresses
    }
}
