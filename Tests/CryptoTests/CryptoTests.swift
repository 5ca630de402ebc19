import Crypto
import Testing

@Suite struct CryptoTests {
    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 gives the published digests`(message: String, digest: String) {
        #expect(Hex.encode(sha256(message.utf8)) == digest)
    }

    /// RFC 4231, test cases 1, 2, 3 and 6 (a key longer than a block).
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `HMAC-SHA256 gives the published codes`(key: [UInt8], message: [UInt8], code: String) {
        #expect(Hex.encode(hmacSHA256(key: key, message)) == code)
    }

    @Test func `an empty key does not reuse the key before it`() {
        _ = hmacSHA256(key: "secret".utf8, "x".utf8)
        let code = Hex.encode(hmacSHA256(key: [], []))
        #expect(code == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test(arguments: [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "ab", false), ("ab", "bb", false)])
    func `constant-time comparison agrees with equality`(left: String, right: String, isEqual: Bool) {
        #expect(constantTimeEquals(left.utf8, right.utf8) == isEqual)
    }

    @Test func `random bytes have the asked length and do not repeat`() throws {
        #expect(try randomBytes(0).isEmpty)
        let draws = try (0..<100).map { _ in try randomBytes(16) }
        #expect(draws.allSatisfy { $0.count == 16 })
        #expect(Set(draws).count == 100)
    }

    @Test func `every byte survives hexadecimal and back`() {
        let bytes = (UInt8.min...UInt8.max).map(\.self)
        #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        #expect(Hex.decode("00fF") == [0, 255])
    }

    @Test(arguments: ["0", "0g", "zz", " 0", "٣٣"]) func `what is not hexadecimal is refused`(text: String) {
        #expect(Hex.decode(text) == nil)
    }
}
