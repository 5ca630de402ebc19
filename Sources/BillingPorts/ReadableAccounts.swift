internal import Accounts
internal import Billing

extension AccountBooks {
    /// As `accounts`; one that cannot be read keeps nobody else from it, and is named with the reason. Throws what is
    /// nobody's fault: a cancellation, a transaction that is over.
    public func readableAccounts(
        _ keys: [CustomerKey]
    ) async throws -> (accounts: [OpenAccount], faults: [(key: CustomerKey, reason: String)]) {
        guard let seller = keys.first?.seller else { return ([], []) }
        do { return (try await accounts(keys), []) } catch {
            try Task.checkCancellation()
            // What the database refused has ended the transaction, and this throws as well.
            _ = try await numbering(of: seller)
        }
        var readable: [OpenAccount] = []
        var faults: [(key: CustomerKey, reason: String)] = []
        for key in keys.sorted() {
            do { readable += try await accounts([key]) } catch {
                try Task.checkCancellation()
                _ = try await numbering(of: seller)
                faults.append((key, "\(error)"))
            }
        }
        return (readable, faults)
    }
}
