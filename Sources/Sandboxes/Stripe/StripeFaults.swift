internal import FoundationEssentials
internal import Synchronization

/// The faults the sandbox was told to make; none unless somebody asked.
final class StripeFaults: Sendable {
    enum Kind: String, Codable, Sendable {
        /// Nothing happens, and no answer comes.
        case timeoutBefore = "timeout_before_charging"
        /// Everything happens, and no answer comes.
        case timeoutAfter = "timeout_after_charging"
        /// 500 before anything happened; not kept under the key.
        case errorBefore = "500_before"
        /// 500 after everything happened; kept under the key, as Stripe keeps it.
        case errorAfter = "500_after"
        case rateLimit = "429"
        /// The connection closes; nothing happens.
        case resetBefore = "reset_before"
        /// The connection closes after everything happened.
        case resetAfter = "reset_after"
        /// The answer is late, and meanwhile the key is in use.
        case slow
    }

    /// What a POST to `/_sandbox/faults` says. The first plan that strikes decides.
    struct Plan: Codable, Sendable {
        var kind: Kind
        /// How many of the coming requests it strikes.
        var next: Int?
        /// It strikes one request in so many: each so-manieth, or with a seed, by chance that the seed repeats.
        var every: Int?
        var seed: UInt64?
        /// The beginning of the paths it strikes.
        var path: String?
        /// How long a time-out holds the connection, or a slow answer waits.
        var milliseconds: Int?
        fileprivate var seen: UInt64?

        var delay: Duration { .milliseconds(milliseconds ?? (kind == .slow ? 1000 : 100_000)) }
    }

    private let plans: Mutex<[Plan]> = Mutex([])

    /// False when the text is no plan.
    func add(_ text: [UInt8]) -> Bool {
        guard let plan = try? JSONDecoder().decode(Plan.self, from: Data(text)), (plan.every ?? 1) > 0,
            plan.next != nil || plan.every != nil
        else { return false }
        plans.withLock { $0.append(plan) }
        return true
    }

    func clear() { plans.withLock { $0 = [] } }

    /// The fault that strikes this request, if any.
    func strike(method: String, path: String) -> Plan? {
        plans.withLock { plans in
            for index in plans.indices {
                guard method == "POST", path.hasPrefix(plans[index].path ?? "/v1/payment_intents") else { continue }
                if plans[index].strikes() { return plans[index] }
            }
            return nil
        }
    }
}

extension StripeFaults.Plan {
    fileprivate mutating func strikes() -> Bool {
        if let left = next {
            guard left > 0 else { return false }
            next = left - 1
            return true
        }
        guard let every = every.map(UInt64.init) else { return false }
        let count = (seen ?? 0) + 1
        seen = count
        guard let seed else { return count.isMultiple(of: every) }
        return Self.scramble(seed &+ count &* 0x9e37_79b9_7f4a_7c15).isMultiple(of: every)
    }

    /// The finishing steps of splitmix64: neighbouring counts give unrelated numbers.
    static func scramble(_ value: UInt64) -> UInt64 {
        var value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
