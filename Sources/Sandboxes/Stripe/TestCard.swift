/// One of the test cards Stripe publishes (https://docs.stripe.com/testing), by the name that follows `pm_card_` and
/// `tok_`, and what a charge of it does.
///
/// One difference is deliberate: at Stripe most declining cards cannot be attached to a customer, here all can, because
/// what a billing engine must survive is the saved card that declines one day.
struct TestCard {
    enum Charge: Equatable {
        case succeeds
        case declines(CardRefusal)
        /// Off-session it declines with `authentication_required`; on-session the customer is asked.
        case needsAuthentication
    }

    let brand: String
    let last4: String
    let charge: Charge

    init?(name: String) {
        guard let card = Self.published[name] else { return nil }
        self = card
    }

    private init(_ brand: String, _ last4: String, _ charge: Charge) {
        self.brand = brand
        self.last4 = last4
        self.charge = charge
    }

    /// What follows `pm_card_` in the published names, in the order of the alphabet.
    static var names: [String] { published.keys.sorted() }

    private static let published: [String: TestCard] = [
        "visa": TestCard("visa", "4242", .succeeds),
        "visa_debit": TestCard("visa", "5556", .succeeds),
        "mastercard": TestCard("mastercard", "4444", .succeeds),
        "mastercard_debit": TestCard("mastercard", "3222", .succeeds),
        "amex": TestCard("amex", "8431", .succeeds),
        "discover": TestCard("discover", "1117", .succeeds),
        "visa_chargeDeclined": TestCard("visa", "0002", .declines(.generic)),
        "chargeDeclined": TestCard("visa", "0002", .declines(.generic)),
        "visa_chargeDeclinedInsufficientFunds": TestCard("visa", "9995", .declines(.insufficientFunds)),
        "chargeDeclinedInsufficientFunds": TestCard("visa", "9995", .declines(.insufficientFunds)),
        "visa_chargeDeclinedLostCard": TestCard("visa", "9987", .declines(.lostCard)),
        "visa_chargeDeclinedStolenCard": TestCard("visa", "9979", .declines(.stolenCard)),
        "chargeDeclinedExpiredCard": TestCard("visa", "0069", .declines(.expiredCard)),
        "chargeDeclinedIncorrectCvc": TestCard("visa", "0127", .declines(.incorrectCode)),
        "chargeDeclinedProcessingError": TestCard("visa", "0119", .declines(.processingError)),
        "chargeCustomerFail": TestCard("visa", "0341", .declines(.generic)),
        "authenticationRequired": TestCard("visa", "3184", .needsAuthentication),
        "authenticationRequiredOnSetup": TestCard("visa", "3155", .succeeds),
    ]
}

/// Why a card was refused, in Stripe's codes.
struct CardRefusal: Codable, Equatable {
    let code: String
    let declineCode: String?
    let advice: String?
    let message: String

    static let generic = declined("generic_decline", "try_again_later", "Your card was declined.")
    static let insufficientFunds = declined(
        "insufficient_funds", "try_again_later", "Your card has insufficient funds.")
    static let lostCard = declined("lost_card", "do_not_try_again", "Your card was declined.")
    static let stolenCard = declined("stolen_card", "do_not_try_again", "Your card was declined.")
    static let expiredCard = CardRefusal(
        code: "expired_card", declineCode: "expired_card", advice: "confirm_card_data",
        message: "Your card has expired.")
    static let incorrectCode = CardRefusal(
        code: "incorrect_cvc", declineCode: "incorrect_cvc", advice: "confirm_card_data",
        message: "Your card's security code is incorrect.")
    static let processingError = CardRefusal(
        code: "processing_error", declineCode: "processing_error", advice: "try_again_later",
        message: "An error occurred while processing your card. Try again in a little bit.")
    static let authenticationRequired = CardRefusal(
        code: "authentication_required", declineCode: "authentication_required", advice: nil,
        message: "Your card was declined. This transaction requires authentication.")

    private static func declined(_ declineCode: String, _ advice: String, _ message: String) -> CardRefusal {
        CardRefusal(code: "card_declined", declineCode: declineCode, advice: advice, message: message)
    }
}
