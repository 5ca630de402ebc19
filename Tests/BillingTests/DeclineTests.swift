import Billing
import Testing

@Suite struct DeclineTests {
    @Test(
        arguments: [
            ("insufficient_funds", nil, Decline.soft), ("generic_decline", "try_again_later", .soft),
            ("lost_card", nil, .hard), ("expired_card", nil, .hard), ("lost_card", "try_again_later", .hard),
            ("generic_decline", "do_not_try_again", .hard), ("generic_decline", "confirm_card_data", .hard),
            ("authentication_required", nil, .needsAction),
            ("authentication_required", "do_not_try_again", .needsAction),
            ("testmode_decline", nil, .configuration), ("invented_yesterday", nil, .soft), (nil, nil, .soft),
            ("invented_yesterday", "do_not_try_again", .hard), ("do_not_try_again", nil, .hard),
        ] as [(String?, String?, Decline)])
    func `a decline says what helps`(code: String?, advice: String?, decline: Decline) {
        #expect(Decline(code: code, advice: advice) == decline)
    }
}
