internal import CCrypto

/// The operating system or OpenSSL had no randomness to give. Nothing secret may be made until it has.
public struct RandomnessError: Error, Equatable, CustomStringConvertible {
    /// OpenSSL's packed error code, for `openssl errstr`.
    public let code: UInt

    public var description: String { "OpenSSL gave no random bytes (error \(String(code, radix: 16)))" }
}

/// `count` bytes from OpenSSL's generator, fit for keys, tokens and identifiers nobody may guess.
public func randomBytes(_ count: Int) throws(RandomnessError) -> [UInt8] {
    precondition(count >= 0 && count <= CInt.max, "a count of random bytes between 0 and 2 GiB")
    var bytes = [UInt8](repeating: 0, count: count)
    let status = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        unsafe RAND_bytes(buffer.baseAddress, CInt(buffer.count))
    }
    guard status == 1 else { throw RandomnessError(code: UInt(ERR_get_error())) }
    return bytes
}
