internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Ledger
internal import Money
internal import Postgres
internal import QueueStore

/// The rows of some accounts' parts by customer, each list in the order of its places, which have no gap.
struct AccountRows {
    private(set) var subscriptions: [Customer.ID: [StoredSubscription]] = [:]
    private(set) var invoices: [Customer.ID: [Invoice]] = [:]
    private(set) var notes: [Customer.ID: [CreditNote]] = [:]
    private(set) var attempts: [Customer.ID: [PaymentAttempt]] = [:]
    private(set) var coupons: [Customer.ID: [CouponUse]] = [:]
    private(set) var usage: [Customer.ID: [CountedUsage]] = [:]

    /// `answers` to `AccountSQL.parts` from the subscriptions on.
    init(_ answers: ArraySlice<Rows>) throws {
        var answers = answers
        subscriptions = try Self.subscriptions(answers.removeFirst(), transitions: answers.removeFirst())
        invoices = try Self.invoices(answers.removeFirst(), lines: answers.removeFirst(), subscriptions)
        notes = try Self.notes(answers.removeFirst())
        attempts = try Self.attempts(answers.removeFirst())
        coupons = try Self.coupons(answers.removeFirst())
        usage = try Self.usage(answers.removeFirst())
    }

    private static func subscriptions(
        _ rows: Rows, transitions: Rows
    ) throws -> [Customer.ID: [StoredSubscription]] {
        var histories: [Place: [Subscription.Transition]] = [:]
        for row in transitions {
            let (customer, subscription, state, cause, at) = try row.decode(
                Customer.ID.self, Int.self, String.self, String.self, Instant.self)
            let place = Place(customer: customer, ordinal: subscription)
            let stored = Stored("subscription_transitions", place)
            histories[place, default: []].append(
                Subscription.Transition(
                    at: at, to: try stored.choice(SubscriptionState.self, state),
                    cause: try stored.choice(SubscriptionState.Cause.self, cause)))
        }
        return try rows.placed { row in
            let (customer, ordinal, code, state, start, content) = try row.decode(
                Customer.ID.self, Int.self, String.self, String.self, LocalDate.self, PostgresJSON.self)
            let place = Place(customer: customer, ordinal: ordinal)
            let stored = Stored("subscriptions", place)
            return (
                place,
                StoredSubscription(
                    stored: stored, code: code, ordinal: ordinal, start: try stored.date(start),
                    state: try stored.choice(SubscriptionState.self, state), history: histories[place] ?? [],
                    content: try stored.reading(content) { $0 })
            )
        }
    }

    private static func invoices(
        _ rows: Rows, lines: Rows, _ subscriptions: [Customer.ID: [StoredSubscription]]
    ) throws -> [Customer.ID: [Invoice]] {
        let heads = try rows.map { row in try InvoiceRow(row) }
        let currencies = Dictionary(heads.map { ($0.place, $0.currency) }) { first, _ in first }
        var linesByInvoice: [Place: [InvoiceLine]] = [:]
        for row in lines {
            let (place, line) = try LineRow.line(row, currencies) { customer, ordinal in
                subscriptions[customer].flatMap { $0.indices.contains(ordinal) ? $0[ordinal].code : nil }
            }
            linesByInvoice[place, default: []].append(line)
        }
        var invoices: [Customer.ID: [Invoice]] = [:]
        for head in heads {
            let place = head.place
            guard invoices[place.customer]?.count ?? 0 == place.ordinal else {
                throw Stored("invoices", place).fault("the one before it is missing")
            }
            invoices[place.customer, default: []].append(try head.invoice(linesByInvoice[place] ?? []))
        }
        return invoices
    }

    private static func notes(_ rows: Rows) throws -> [Customer.ID: [CreditNote]] {
        try rows.placed { row in
            let (
                customer, ordinal, number, invoice, date, issuedAt, code, subtotal, tax, credited, refunded, shares
            ) = try row.decode(
                Customer.ID.self, Int.self, String.self, Int.self, LocalDate.self, Instant.self, String.self,
                Int64.self, Int64.self, Int64.self, Int64.self, PostgresJSON.self)
            let place = Place(customer: customer, ordinal: ordinal)
            let stored = Stored("credit_notes", place)
            let currency = try stored.currency(code)
            func money(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency) }
            let read = try stored.reading(shares) { (node) throws(JSONFault) in
                try [CreditNote.Share](reading: node, currency: currency)
            }
            let note = try stored.sum { () throws(MoneyFault) in
                try CreditNote(
                    number: number, invoice: invoice, date: date, issuedAt: issuedAt, shares: read,
                    subtotal: money(subtotal), tax: money(tax), credited: money(credited), refunded: money(refunded))
            }
            return (place, note)
        }
    }

    private static func attempts(_ rows: Rows) throws -> [Customer.ID: [PaymentAttempt]] {
        try rows.placed { row in
            let (
                customer, ordinal, invoice, number, at, amount, currency, method, outcome, sentAt, reference, decline
            ) = try row.decode(
                Customer.ID.self, Int.self, Int.self, Int.self, Instant.self, Int64.self, String.self, String?.self,
                String?.self, Instant?.self, String?.self, String?.self)
            let place = Place(customer: customer, ordinal: ordinal)
            let stored = Stored("payment_attempts", place)
            return (
                place,
                PaymentAttempt(
                    invoice: invoice, number: number, at: at, amount: try stored.money(amount, currency),
                    method: try stored.choice(PaymentArrangement.Method.self, ifAny: method),
                    outcome: try stored.choice(PaymentAttempt.Outcome.self, ifAny: outcome), sentAt: sentAt,
                    reference: reference, declineCode: decline)
            )
        }
    }

    private static func coupons(_ rows: Rows) throws -> [Customer.ID: [CouponUse]] {
        try rows.placed { row in
            let (customer, ordinal, currency, definition, subscription, date) = try row.decode(
                Customer.ID.self, Int.self, String.self, PostgresJSON.self, String?.self, LocalDate.self)
            let place = Place(customer: customer, ordinal: ordinal)
            let stored = Stored("coupon_uses", place)
            return (
                place,
                CouponUse(
                    ordinal: ordinal, coupon: try stored.coupon(definition, currency: currency),
                    subscription: subscription, date: try stored.date(date))
            )
        }
    }

    private static func usage(_ rows: Rows) throws -> [Customer.ID: [CountedUsage]] {
        try rows.placed { row in
            let (customer, ordinal, id, metric, quantity, properties, given, at, date) = try row.decode(
                Customer.ID.self, Int.self, String.self, String.self, String.self, PostgresJSON.self, Instant?.self,
                Instant.self, LocalDate.self)
            let place = Place(customer: customer, ordinal: ordinal)
            let stored = Stored("usage_events", place)
            let event = UsageEvent(
                id: id, metric: metric, quantity: try stored.number(quantity),
                properties: try stored.reading(properties) { (node) throws(JSONFault) in
                    try UsageEvent.properties(reading: node)
                }, time: given)
            return (place, CountedUsage(event: event, time: at, date: try stored.date(date)))
        }
    }
}

/// What of a customer's, by its place.
struct Place: Hashable, CustomStringConvertible {
    let customer: Customer.ID
    let ordinal: Int

    var description: String { "\(customer)/\(ordinal)" }
}

extension Rows {
    /// Lists by customer; throws where a place is missing: something was lost.
    fileprivate func placed<Value>(_ read: (Row) throws -> (Place, Value)) throws -> [Customer.ID: [Value]] {
        var lists: [Customer.ID: [Value]] = [:]
        for row in self {
            let (place, value) = try read(row)
            guard lists[place.customer]?.count ?? 0 == place.ordinal else {
                throw UnreadableRow("place \(place): the one before it is missing")
            }
            lists[place.customer, default: []].append(value)
        }
        return lists
    }
}

/// A subscription before the plans that it names are at hand.
struct StoredSubscription {
    let stored: Stored
    let code: String
    let ordinal: Int
    let start: LocalDate
    let state: SubscriptionState
    let history: [Subscription.Transition]
    let content: JSONNode

    var planIDs: Set<Int64> {
        get throws {
            do throws(JSONFault) { return try Subscription.planIDs(in: content) } catch {
                throw stored.fault("\(error)")
            }
        }
    }

    func subscription(in currency: Currency, _ plan: (Int64) -> Plan?) throws -> Subscription {
        do throws(JSONFault) {
            return try Subscription(
                reading: content, code: code, ordinal: ordinal, start: start, state: state, history: history,
                currency: currency, plan: plan)
        } catch { throw stored.fault("\(error)") }
    }
}
