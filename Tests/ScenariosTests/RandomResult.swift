import Chance
import Dates
import JSONText
import Ledger
import Money
import Scenarios

/// Results with everything in them, brought back by their seed.
enum RandomResult {
    static func simulation(using random: inout SeededGenerator) -> SimulationResult {
        var result = SimulationResult()
        result.invoices = list(3, &random) { invoice(&$0) }
        result.creditNotes = list(2, &random) { random in
            CreditNoteResult(
                customer: code(&random), number: code(&random), invoice: code(&random), date: day(&random),
                subtotal: amount(&random), tax: amount(&random), total: amount(&random), credited: amount(&random),
                refunded: amount(&random))
        }
        result.charges = list(3, &random) { random in
            ChargeResult(
                at: instant(&random), customer: code(&random), invoice: code(&random), amount: amount(&random),
                outcome: "success", attempt: Bool.random(using: &random) ? 1 : nil)
        }
        result.emails = list(5, &random) { EmailResult(at: instant(&$0), to: code(&$0), template: code(&$0)) }
        result.errors = list(3, &random) { ErrorResult(at: instant(&$0), do: code(&$0), error: code(&$0)) }
        result.ledger = LedgerResult(
            balanced: Bool.random(using: &random), accounts: [.cash: amount(&random), .revenue: amount(&random)])
        for _ in 0..<3 {
            let key = code(&random)
            result.subscriptions[key] = SubscriptionResult(
                status: "active", plan: code(&random), period: Bool.random(using: &random) ? period(&random) : nil,
                ends: Bool.random(using: &random) ? day(&random) : nil,
                history: list(3, &random) { .init(at: instant(&$0), to: code(&$0)) })
            result.balances[key] = BalanceResult(credit: amount(&random), receivable: amount(&random))
            result.revenue.recognized[key] = amount(&random)
            result.revenue.deferred[key] = amount(&random)
            result.mrr[key] = MRRResult(total: amount(&random), new: amount(&random), churn: amount(&random))
        }
        return result
    }

    private static func invoice(_ random: inout SeededGenerator) -> InvoiceResult {
        InvoiceResult(
            customer: code(&random), number: code(&random), date: day(&random), due: day(&random), status: "open",
            subtotal: amount(&random), tax: amount(&random), total: amount(&random), creditApplied: amount(&random),
            paid: amount(&random), dueAmount: amount(&random),
            lines: list(4, &random) { random in
                let isWhole = Bool.random(using: &random)
                return InvoiceResult.Line(
                    code: code(&random), subscription: isWhole ? code(&random) : nil,
                    period: isWhole ? period(&random) : nil, quantity: isWhole ? Rational(amount(&random)) : nil,
                    factor: isWhole ? "14/31" : nil, amount: amount(&random), kind: "recurring")
            })
    }

    private static func list<Element>(
        _ limit: Int, _ random: inout SeededGenerator, _ make: (inout SeededGenerator) -> Element
    ) -> [Element] {
        let count = Int.random(in: 1...limit, using: &random)
        return (0..<count).map { _ in make(&random) }
    }

    private static func amount(_ random: inout SeededGenerator) -> Int64 {
        .random(in: -99_999...99_999, using: &random)
    }

    private static func code(_ random: inout SeededGenerator) -> String {
        "c\(Int.random(in: 0...999_999, using: &random))"
    }

    private static func day(_ random: inout SeededGenerator) -> LocalDate {
        LocalDate(daysSinceEpoch: .random(in: 0...30_000, using: &random))
    }

    private static func period(_ random: inout SeededGenerator) -> Period {
        let start = day(&random)
        return Period(start: start, end: start.adding(days: 31))
    }

    private static func instant(_ random: inout SeededGenerator) -> Instant {
        Instant(microseconds: .random(in: 0...2_000_000_000, using: &random) * 1_000_000)
    }

    /// A text as it was read, to be written again; it has whole numbers only.
    static func value(_ node: JSONNode) throws(JSONFault) -> JSONValue {
        switch node.value {
        case .null: return .null
        case .bool(let bool): return .bool(bool)
        case .number: return .integer(try node.integer())
        case .string(let text): return .string(text)
        case .array(let nodes): return .array(try nodes.map { node throws(JSONFault) in try value(node) })
        case .object(let members):
            return .object(
                try members.map { member throws(JSONFault) in JSONValue.Member(member.key, try value(member.value)) })
        }
    }
}
