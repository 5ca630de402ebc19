internal import Accounts
internal import Billing
internal import Dates
internal import Ledger
internal import Money

extension Promise {
    /// Of the ledger, credit and revenue.
    static let books = [
        Promise("the ledger says what the documents say") { settled in
            let account = settled.account
            let balance = try TrialBalance(of: account.entries, in: account.currency)
            var billed = settled.zero
            var taxes = settled.zero
            for invoice in account.invoices where invoice.state != .void {
                let notes = account.notes.filter { $0.invoice == invoice.ordinal }
                billed = try billed + invoice.subtotal - settled.sum(notes.map(\.subtotal))
                taxes = try taxes + invoice.tax - settled.sum(notes.map(\.tax))
            }
            let expected: [(LedgerAccount, Money)] = [
                (.receivable, try account.receivable), (.customerCredit, try account.credit.negated()),
                (.taxPayable, try taxes.negated()), (.revenue, try account.recognizedBooked.negated()),
                (.deferredRevenue, try account.recognizedBooked - billed),
            ]
            for (name, amount) in expected where balance[name] != amount {
                return "\(name.rawValue) is \(balance[name]), by the documents \(amount)"
            }
            let sum = try settled.sum(balance.nonZero.map(\.balance))
            return sum.isZero ? nil : "debits less credits are \(sum)"
        },
        Promise("credit is never below nothing, and none is left while something is due") { settled in
            let due = try settled.account.receivable
            if settled.account.credit.isNegative { return "\(settled.account.credit)" }
            return settled.account.credit.isPositive && due.isPositive ? "\(settled.account.credit), due \(due)" : nil
        },
        Promise("what was billed is earned in the end, and no more") { settled in
            let recognition = try settled.account.recognition()
            let billed = try settled.sum(
                settled.account.invoices.map(\.subtotal).filter { !$0.isZero })
            let noted = try settled.sum(settled.account.notes.map(\.subtotal))
            var void = settled.zero
            for invoice in settled.account.invoices where invoice.state == .void {
                let notes = settled.account.notes.filter { $0.invoice == invoice.ordinal }
                void = try void + invoice.subtotal - settled.sum(notes.map(\.subtotal))
            }
            let net = try billed - noted - void
            let earned = recognition.months.last?.recognizedToDate ?? settled.zero
            if earned != net { return "\(earned) of \(net)" }
            var sum = settled.zero
            for month in recognition.months { sum = try sum + month.recognized }
            guard sum == earned, recognition.months.last?.deferred.isZero ?? true else {
                return
                    "months come to \(sum) of \(earned), deferred at last \(recognition.months.last?.deferred ?? sum)"
            }
            return nil
        },
        Promise("booking revenue twice books nothing more") { settled in
            var account = settled.account
            try account.bookRevenue(at: settled.at)
            let count = account.entries.count
            try account.bookRevenue(at: settled.at)
            if account.entries.count != count { return "\(account.entries[count])" }
            let balance = try TrialBalance(of: account.entries, in: account.currency)
            let month = account.sellerZone.localDate(of: settled.at)
            let earned = try account.recognition().recognized(before: month.adding(days: 1 - month.day))
            return balance[.revenue] == (try earned.negated()) ? nil : "\(balance[.revenue]) booked of \(earned)"
        },
        Promise("one charge of an invoice is on its way at most, and they are counted") { settled in
            for index in settled.account.invoices.indices {
                let attempts = settled.account.attempts.filter { $0.invoice == index && $0.number > 0 }
                if attempts.map(\.number) != Array(1...max(1, attempts.count)).prefix(attempts.count).map(\.self) {
                    return "attempts \(attempts.map(\.number))"
                }
                if attempts.dropLast().contains(where: { $0.outcome?.isPending ?? true }) { return "\(attempts)" }
                if attempts.contains(where: { !$0.amount.isPositive }) { return "\(attempts)" }
            }
            return nil
        },
    ]
}
