internal import Dates

/// Makes up customers for trials of the system. Nothing is drawn by chance: the same block gives the same customers.
struct CustomerGenerator {
    let count: Int
    /// Texts with one `%0Nd`, in whose place the number of the customer stands, counted from 1.
    let code, name, email: String
    let plans: [(value: String, weight: Int)]
    let payments: [(value: String, weight: Int)]
    let timeZones: [String]
    /// Starts are spread evenly over so many days, the last of them the day of loading.
    let startedWithinDays: Int

    func entries(loadDate: LocalDate) -> [CustomerFile.Entry] {
        var planTurn = WeightedTurn(plans)
        // Each plan deals out its own payments, or the two patterns could fall into step and every decline hit one plan.
        var paymentTurns: [String?: WeightedTurn] = [:]
        return (0..<count).map { index in
            let plan = planTurn.next()
            let token = paymentTurns[plan, default: WeightedTurn(payments)].next()
            let code = Self.fill(code, index + 1)
            let start = loadDate.adding(days: 1 - startedWithinDays + index * startedWithinDays / count)
            let customer = Customer(
                code: code, name: Self.fill(name, index + 1), email: Self.fill(email, index + 1), currency: nil,
                timeZone: timeZones.isEmpty ? nil : timeZones[index % timeZones.count], address: nil, billingDay: nil)
            let requests = plan.map {
                CustomerFile.SubscriptionRequest(code: code, plan: $0, start: start, quantities: [:], trialDays: nil)
            }
            return CustomerFile.Entry(
                customer: customer, payment: token.map { CustomerFile.PaymentSetup(method: .card, token: $0) },
                subscriptions: requests.map { [$0] } ?? [])
        }
    }

    /// `practice-%04d` and 7 give `practice-0007`.
    static func fill(_ pattern: String, _ number: Int) -> String {
        guard let parts = parts(of: pattern) else { return pattern }
        let digits = String(number)
        return parts.before + String(repeating: "0", count: max(0, parts.width - digits.utf8.count)) + digits
            + parts.after
    }

    /// What stands around the one `%0Nd` of a pattern; `nil` if there is not exactly one.
    static func parts(of pattern: String) -> (before: String, width: Int, after: String)? {
        let around = pattern.split(separator: "%", omittingEmptySubsequences: false)
        guard around.count == 2, around[1].first == "0" else { return nil }
        let rest = around[1].dropFirst()
        guard let digit = rest.first?.wholeNumberValue, (1...9).contains(digit), rest.dropFirst().first == "d" else {
            return nil
        }
        return (String(around[0]), digit, String(rest.dropFirst(2)))
    }
}

/// Deals choices out by weight so that after any number of turns each has had its share to within one.
private struct WeightedTurn {
    private let choices: [(value: String, weight: Int)]
    private let total: Int
    private var credit: [Int]

    init(_ choices: [(value: String, weight: Int)]) {
        self.choices = choices
        total = choices.reduce(0) { $0 + $1.weight }
        credit = choices.map { _ in 0 }
    }

    /// The choice that is owed most, the first of equals; `nil` if there are none.
    mutating func next() -> String? {
        for index in choices.indices { credit[index] += choices[index].weight }
        var best: Int?
        for index in choices.indices where credit[index] > best.map({ credit[$0] }) ?? Int.min { best = index }
        guard let best else { return nil }
        credit[best] -= total
        return choices[best].value
    }
}
