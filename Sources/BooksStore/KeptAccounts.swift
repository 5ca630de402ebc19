internal import Accounts
internal import BillingPorts
internal import Synchronization

/// Accounts as this process stored them last, for whoever opens them next: nobody reads again what has not changed.
///
/// Whoever changes anything of an account updates its customer's row in the same transaction (`StoreSQL`). So the
/// transaction that wrote that row last says which account stands, and it is asked under the customer's lock. What a
/// transaction stored that was rolled back matches no row.
final class KeptAccounts: Sendable {
    /// Which transactions wrote the rows last: the customer's, and its seller's, by whose settings the account goes.
    struct Version: Hashable {
        let customer: Int64
        let seller: Int64
    }

    private struct Kept {
        let version: Version
        let account: Account
        let since: ContinuousClock.Instant
        let rows: Int
        /// Tells it from one of the same customer before it.
        let number: Int
    }

    private struct State {
        var accounts: [CustomerKey: Kept] = [:]
        var rows = 0
        /// In the order in which they were kept.
        var order: [(key: CustomerKey, number: Int)] = []
        var forgotten = 0
        var number = 0

        mutating func forget(over limit: Int) {
            while rows > limit || order.count - forgotten > 2 * accounts.count + 64 {
                let (key, number) = order[forgotten]
                forgotten += 1
                guard let kept = accounts[key], kept.number == number else { continue }
                rows -= kept.rows
                accounts[key] = nil
            }
            if forgotten > 4096, forgotten * 2 > order.count {
                order.removeFirst(forgotten)
                forgotten = 0
            }
        }
    }

    private let state = Mutex(State())

    /// Rows of all of them together: some thousands of accounts in a few dozen megabytes.
    private static let limit = 65_536
    /// Jobs that follow each other do so in seconds. Rows that somebody changed by hand are seen after this at the latest.
    private static let lifetime = Duration.seconds(30)

    subscript(key: CustomerKey, version: Version) -> Account? {
        state.withLock { state in
            guard let kept = state.accounts[key], kept.version == version,
                kept.since.duration(to: .now) < Self.lifetime
            else { return nil }
            return kept.account
        }
    }

    /// They are not what they were thought to be.
    func forget(_ keys: [CustomerKey]) {
        state.withLock { state in
            for key in keys {
                guard let kept = state.accounts.removeValue(forKey: key) else { continue }
                state.rows -= kept.rows
            }
        }
    }

    func keep(_ account: Account, of key: CustomerKey, _ version: Version) {
        let rows = account.invoices.reduce(8 + account.usage.count) { $0 + 1 + $1.lines.count }
        state.withLock { state in
            state.number += 1
            state.rows += rows - (state.accounts[key]?.rows ?? 0)
            state.accounts[key] = Kept(
                version: version, account: account, since: .now, rows: rows, number: state.number)
            state.order.append((key, state.number))
            state.forget(over: Self.limit)
        }
    }
}
