internal import Accounts
internal import Billing
internal import Dates
public import JobKit

extension BillingWork {
    /// Enqueues what these accounts, as they stand now, want done next: an invoice, then charges, then reminders. Each of
    /// those ends by asking here again, so that what one brings about is taken up by the next. Invoices and charges are
    /// counted in `run`, if there is one.
    public func followUp(_ accounts: [OpenAccount], in run: RunID? = nil) async throws {
        var (toInvoice, toCollect): ([CustomerKey], [CustomerKey]) = ([], [])
        var jobs: [NewJob] = []
        for open in accounts {
            switch open.account.nextTask(at: now, canBeCharged: open.profile.isChargeable) {
            case .invoice: toInvoice.append(open.key)
            case .collect: toCollect.append(open.key)
            case .remind: jobs.append(try NewJob(RemindCustomer(customer: open.key)))
            case nil: break
            }
        }
        jobs += try toCollect.batches(of: CollectPayments.most).map { keys in
            try NewJob(CollectPayments(seller: keys[0].seller, customers: keys.map(\.customer))).in(run)
        }
        if !jobs.isEmpty { try await enqueue(jobs) }
        try await requestInvoices(of: toInvoice, in: run)
    }

    /// Has these customers of one seller invoiced, in the series that their seller numbers by.
    public func requestInvoices(of keys: [CustomerKey], in run: RunID? = nil) async throws {
        guard let seller = keys.first?.seller else { return }
        switch try await numbering(of: seller).scheme {
        case .customer:
            try await enqueue([NewJob(GenerateInvoices(seller: seller, customers: keys.map(\.customer))).in(run)])
        case .seller:
            try await requestInvoices(keys)
            try await enqueue([NewJob(FinaliseInvoices(seller: seller)).in(run)])
        }
    }
}

extension Array {
    /// In their order, so many at a time.
    package func batches(of most: Int) -> [[Element]] {
        stride(from: 0, to: count, by: most).map { Array(self[$0..<Swift.min($0 + most, count)]) }
    }
}

extension Account {
    fileprivate enum Task { case invoice, collect, remind }

    /// Who has nothing at the gateway waits for it: the method that arrives asks again.
    fileprivate func nextTask(at now: Instant, canBeCharged: Bool) -> Task? {
        do {
            let isChargeDue = try canBeCharged && !chargesDue(at: now).isEmpty
            // What is overdue is charged before a subscription begins anew.
            if let reactivation, reactivation.invoice == nil, isChargeDue { return .collect }
            if try wantsInvoice(at: now) { return .invoice }
            if isChargeDue { return .collect }
            return try isReminderDue(at: now) ? .remind : nil
        } catch {
            // What cannot be worked out is for the job to say, which is held where people look.
            return .invoice
        }
    }
}
