internal import Accounts
internal import Billing
internal import Dates
internal import Money

extension Promise {
    /// Of states, and of what is left to do.
    static let lifecycle = [
        Promise("asked again there is nothing to invoice") { settled in
            guard let draft = try settled.account.draft(at: settled.at) else { return nil }
            return "\(draft.total): "
                + draft.lines.map { "\($0.kind.rawValue) \($0.code) \($0.amount)" }.joined(separator: ", ")
        },
        Promise("asked again there is nothing to charge, to remind of or to end") { settled in
            let due = try settled.account.chargesDue(at: settled.at)
            if !due.isEmpty { return "to charge: \(due.map { settled.account.invoices[$0].number })" }
            return try settled.account.isReminderDue(at: settled.at) ? "a reminder, or the end of grace" : nil
        },
        Promise("asked again no subscription moves on") { settled in
            var account = settled.account
            try account.advance(to: settled.at)
            return account.subscriptions == settled.account.subscriptions
                && account.mails.count == settled.account.mails.count
                ? nil : "something was left undone"
        },
        Promise("a subscription moves only as the table of states allows") { settled in
            for subscription in settled.account.subscriptions {
                let history = subscription.history
                for (before, after) in zip(history, history.dropFirst()) {
                    guard SubscriptionState.moves.contains(Move(before.to, after.to, after.cause)),
                        before.at <= after.at
                    else { return "\(subscription.code): \(before) to \(after)" }
                }
                if history.last?.to != subscription.state { return "\(subscription.code) is \(subscription.state)" }
            }
            return nil
        },
        Promise("what has ended has an end, and nothing waits for it") { settled in
            for subscription in settled.account.subscriptions {
                guard subscription.state.hasEnded == (subscription.end != nil),
                    !subscription.state.hasEnded || subscription.pending.isEmpty
                else {
                    return
                        "\(subscription.code) is \(subscription.state), its end \(String(describing: subscription.end))"
                }
            }
            return nil
        },
        Promise("only who owes something overdue is past due or suspended") { settled in
            guard !settled.account.invoices.contains(where: { $0.state == .open && $0.dunning != nil }) else {
                return nil
            }
            let late = settled.account.subscriptions.first { $0.state == .pastDue || $0.state == .suspended }
            return late.map { "\($0.code) is \($0.state)" }
        },
        Promise("no trial outlasts its day") { settled in
            for subscription in settled.account.subscriptions where subscription.state == .trialing {
                guard let end = subscription.trialEnd, end > settled.today else { return subscription.code }
            }
            return nil
        },
        Promise("what waits is done on its day") { settled in
            for subscription in settled.account.subscriptions {
                for pending in subscription.pending where pending.date <= settled.today {
                    return "\(subscription.code): \(pending.date)"
                }
                if subscription.state == .scheduled, subscription.start <= settled.today { return subscription.code }
            }
            return nil
        },
    ]
}
