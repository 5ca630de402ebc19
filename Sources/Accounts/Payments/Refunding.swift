public import Money

extension Account {
    /// Of which charges a refund is paid back, and how much of each: of its own invoice first, then of the latest. What
    /// was not charged at the gateway is not among them; that is paid back as it came, by hand.
    public func refundParts(of place: Int) throws(MoneyFault) -> [(charge: Int, amount: Money)] {
        var left: [Int: Money] = [:]
        for (charge, attempt) in attempts.enumerated()
        where attempt.outcome == .success && attempt.number > 0 && attempt.reference != nil {
            left[charge] = attempt.amount
        }
        var parts: [(charge: Int, amount: Money)] = []
        for refund in attempts.indices.prefix(place + 1) {
            let attempt = attempts[refund]
            // What failed has come back.
            guard attempt.outcome == .refunded, attempt.declineCode == nil else { continue }
            parts = []
            var wanted = try attempt.amount.negated()
            let charges = left.keys.filter { $0 < refund }.sorted {
                (attempts[$0].invoice == attempt.invoice ? 1 : 0, $0) > (
                    attempts[$1].invoice == attempt.invoice ? 1 : 0, $1
                )
            }
            for charge in charges where wanted.isPositive {
                guard let rest = left[charge], rest.isPositive else { continue }
                let part = Money(minorUnits: min(rest.minorUnits, wanted.minorUnits), currency)
                left[charge] = try rest - part
                wanted = try wanted - part
                parts.append((charge, part))
            }
        }
        return parts
    }
}
