internal import BillingPorts
internal import Dates
internal import Money

/// The words of a receipt.
struct Receipt {
    private let facts: ReceiptFacts
    private let receivedOn: LocalDate

    init(_ facts: ReceiptFacts, receivedOn: LocalDate) {
        self.facts = facts
        self.receivedOn = receivedOn
    }

    var subject: String { "Receipt for invoice \(facts.invoiceNumber)" }

    var text: String {
        let rest =
            facts.amountDue.isPositive
            ? "\(facts.amountDue) of this invoice are still to be paid." : "The invoice is paid in full."
        return """
            Dear \(facts.customer.name),

            we received \(facts.amount) on \(receivedOn) for invoice \(facts.invoiceNumber).
            \(rest)

            Thank you,
            \(facts.customer.sellerName)

            """
    }
}
