internal import CCrypto

/// The SHA-256 digest of `bytes`: 32 bytes, computed by OpenSSL.
public func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let message = Array(bytes)
    return unsafe digest { output in
        unsafe message.withUnsafeBufferPointer { message in
            unsafe SHA256(message.baseAddress, message.count, output) != nil
        }
    }
}

/// The HMAC-SHA256 of `message` under `key`: 32 bytes, computed by OpenSSL. An empty key is allowed, as RFC 2104 has it.
public func hmacSHA256(key: some Sequence<UInt8>, _ message: some Sequence<UInt8>) -> [UInt8] {
    // A null key would tell HMAC() to reuse the key of an earlier call, so an empty array still gets an address: one
    // zero byte, which the length of 0 hides.
    let keyBytes = Array(key)
    let key = keyBytes.isEmpty ? [0] : keyBytes
    let message = Array(message)
    precondition(keyBytes.count <= CInt.max, "an HMAC key of 2 GiB or more")
    return unsafe digest { output in
        unsafe key.withUnsafeBufferPointer { key in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe HMAC(
                    EVP_sha256(), key.baseAddress, CInt(keyBytes.count), message.baseAddress, message.count, output, nil
                ) != nil
            }
        }
    }
}

/// Whether the two are equal, in time that depends on their length alone.
///
/// Compare every secret and signature with this: `==` stops at the first difference and tells an attacker where it is.
public func constantTimeEquals(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
    let left = Array(left)
    let right = Array(right)
    guard left.count == right.count else { return false }
    guard !left.isEmpty else { return true }
    return unsafe left.withUnsafeBufferPointer { left in
        unsafe right.withUnsafeBufferPointer { right in
            unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}

private func digest(_ compute: (UnsafeMutablePointer<UInt8>?) -> Bool) -> [UInt8] {
    let size = Int(SHA256_DIGEST_LENGTH)
    return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        // OpenSSL fails here only when it cannot allocate or has no SHA-256 at all: nothing a caller could mend.
        let succeeded = unsafe compute(buffer.baseAddress)
        precondition(succeeded, "OpenSSL cannot compute SHA-256")
        count = size
    }
}
