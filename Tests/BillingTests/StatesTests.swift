import Billing
import Testing

@Suite struct StatesTests {
    /// The whole table written once more, from the documentation and not from the code.
    @Test func `every pair of subscription states is legal or refused as written`() {
        expectMoves(
            of: SubscriptionState.self,
            [
                .scheduled: [.trialing, .active, .cancelled], .trialing: [.active, .expired, .cancelled],
                .active: [.pastDue, .paused, .cancelled, .expired],
                .pastDue: [.active, .suspended, .cancelled, .expired], .suspended: [.active, .cancelled, .expired],
                .paused: [.active, .cancelled, .expired], .cancelled: [.active], .expired: [.active],
            ])
    }

    @Test func `every pair of invoice states is legal or refused as written`() {
        expectMoves(
            of: InvoiceState.self,
            [.draft: [.open], .open: [.paid, .void, .uncollectible], .paid: [.open], .uncollectible: [.paid]])
    }

    @Test func `every pair of payment states is legal or refused as written`() {
        expectMoves(
            of: PaymentState.self,
            [
                .intended: [.sent, .cancelled],
                .sent: [.succeeded, .declined, .processing, .requiresAction, .unknown, .intended],
                .unknown: [.succeeded, .declined, .processing, .requiresAction, .intended],
                .processing: [.succeeded, .declined],
                .requiresAction: [.succeeded, .declined, .processing, .cancelled],
            ])
    }

    @Test func `what is pending blocks a second attempt, what is final does not`() {
        for state in PaymentState.allCases { #expect(state.isPending == !state.isFinal) }
    }

    @Test func `each move has its cause, and no other`() throws {
        #expect(try SubscriptionState.trialing.moving(to: .expired, because: .trialUnpaid).to == .expired)
        #expect(throws: IllegalTransition(from: "trialing", to: "expired", cause: "paid")) {
            try SubscriptionState.trialing.moving(to: .expired, because: .paid)
        }
        #expect(Set(SubscriptionState.moves).count == SubscriptionState.moves.count)
        #expect(Set(PaymentState.moves).count == PaymentState.moves.count)
        for cause in SubscriptionState.Cause.allCases {
            #expect(SubscriptionState.moves.contains { $0.cause == cause }, "\(cause) moves nothing")
        }
    }

    private func expectMoves<State: StateMachine>(of type: State.Type, _ legal: [State: Set<State>]) {
        for from in State.allCases {
            for to in State.allCases {
                if legal[from]?.contains(to) == true {
                    #expect((try? from.moving(to: to)) == to)
                } else {
                    #expect(throws: IllegalTransition(from: from.rawValue, to: to.rawValue, cause: nil)) {
                        try from.moving(to: to)
                    }
                }
            }
            #expect(from.isFinal == (legal[from] ?? []).isEmpty)
        }
    }
}
