/// Chance that a printed seed brings back: SplitMix64, the same on every machine.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// `salts` tell one use of a seed from another.
    public init(seed: UInt64, _ salts: UInt64...) {
        state = seed
        for salt in salts { state = next() ^ salt }
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Seeds for `arguments:`, so that a failing case is named by its seed and runs alone again.
    public static let seeds: [UInt64] = Array(1...8)
}
