internal import Glibc

/// Whether a numeric address is one of the public internet: nothing of this machine, of its network, or of whoever runs
/// it, in whatever notation.
///
/// The ranges are IANA's special-purpose registries, and what embeds an IPv4 address is judged by that.
enum PublicAddress {
    static func isPublic(_ text: String) -> Bool {
        // A scope belongs to a link.
        if text.contains("%") { return false }
        var four = in_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            return isPublic(four: unsafe withUnsafeBytes(of: &four) { unsafe Array($0) })
        }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return false }
        return isPublic(six: unsafe withUnsafeBytes(of: &six) { unsafe Array($0) })
    }

    private static func isPublic(four bytes: [UInt8]) -> Bool {
        !refusedFour.contains { starts(bytes, with: $0.bytes, bits: $0.bits) }
    }

    private static func isPublic(six bytes: [UInt8]) -> Bool {
        // Mapped, translated and 6to4 addresses reach an IPv4 one.
        if starts(bytes, with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], bits: 96) {
            return isPublic(four: Array(bytes[12...]))
        }
        if starts(bytes, with: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], bits: 96) {
            return isPublic(four: Array(bytes[12...]))
        }
        if starts(bytes, with: [0x20, 0x02], bits: 16) { return isPublic(four: Array(bytes[2..<6])) }
        return starts(bytes, with: [0x20], bits: 3)
            && !refusedSix.contains { starts(bytes, with: $0.bytes, bits: $0.bits) }
    }

    private static let refusedFour: [(bytes: [UInt8], bits: Int)] = [
        ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
        ([192, 0, 2], 24), ([192, 31, 196], 24), ([192, 52, 193], 24), ([192, 88, 99], 24), ([192, 168], 16),
        ([192, 175, 48], 24), ([198, 18], 15), ([198, 51, 100], 24), ([203, 0, 113], 24), ([224], 4), ([240], 4),
    ]

    /// Of 2000::/3; everything outside it is refused.
    private static let refusedSix: [(bytes: [UInt8], bits: Int)] = [
        ([0x20, 0x01, 0x00], 23), ([0x20, 0x01, 0x0d, 0xb8], 32), ([0x26, 0x20, 0x00, 0x4f, 0x80, 0x00], 48),
        ([0x3f, 0xff, 0x00], 20),
    ]

    private static func starts(_ bytes: [UInt8], with prefix: [UInt8], bits: Int) -> Bool {
        for bit in 0..<bits {
            let (byte, mask) = (bit / 8, UInt8(0x80) >> (bit % 8))
            let wanted = byte < prefix.count ? prefix[byte] & mask : 0
            if bytes[byte] & mask != wanted { return false }
        }
        return true
    }
}
