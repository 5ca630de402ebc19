/// What a declined charge means for the next try.
public enum Decline: String, CaseIterable, Hashable, Sendable, Codable {
    /// Can never succeed with this payment method: ask for another. Card networks fine those who try again.
    case hard
    /// Can succeed later: the schedule tries again.
    case soft
    /// The customer must confirm in person; a retry without them is declined the same way.
    case needsAction = "needs_action"
    /// Our own request or account is wrong: no charge of this kind can work until somebody puts it right.
    case configuration

    /// Classifies what a gateway gave as its reason, in Stripe's words: `code` is the decline code, else the error code;
    /// `advice` is its advice code. The stricter of the two wins.
    ///
    /// An unknown code is `soft`. Issuers invent codes, and most declines pass; the schedule has few tries, far below
    /// what card networks allow, so a needless try costs little while a customer given up wrongly is lost.
    public init(code: String?, advice: String? = nil) {
        let byCode = code.flatMap { Decline.codes[$0] } ?? .soft
        switch (advice, byCode) {
        case (_, .needsAction), (_, .configuration): self = byCode
        // Wrong card data stay wrong until the customer enters them again.
        case ("do_not_try_again", _), ("confirm_card_data", _): self = .hard
        default: self = byCode
        }
    }

    /// Stripe's list, docs.stripe.com/declines/codes. Grouped by what helps, not by what they call it.
    private static let codes: [String: Decline] = {
        let groups: [(decline: Decline, codes: String)] = [
            (
                .hard,
                """
                card_not_supported currency_not_supported do_not_try_again expired_card fraudulent incorrect_address incorrect_cvc \
                incorrect_number incorrect_zip invalid_account invalid_cvc invalid_expiry_month invalid_expiry_year \
                invalid_number lost_card merchant_blacklist new_account_information_available not_permitted \
                pickup_card pin_try_exceeded restricted_card revocation_of_all_authorizations \
                revocation_of_authorization security_violation stolen_card stop_payment_order transaction_not_allowed
                """
            ),
            (
                .soft,
                """
                approve_with_id call_issuer card_declined card_velocity_exceeded do_not_honor \
                generic_decline insufficient_funds issuer_not_available no_action_taken processing_error \
                reenter_transaction service_not_allowed try_again_later withdrawal_count_limit_exceeded
                """
            ),
            (
                .needsAction,
                """
                authentication_not_handled authentication_required incorrect_pin invalid_pin \
                mobile_device_authentication_required offline_pin_required online_or_offline_pin_required
                """
            ),
            (.configuration, "duplicate_transaction invalid_amount live_mode_test_card testmode_decline"),
        ]
        var codes: [String: Decline] = [:]
        for (decline, list) in groups {
            for code in list.split(separator: " ") { codes[String(code)] = decline }
        }
        return codes
    }()
}
