/// What the pages say, in the languages that ship; another gets English around its own dates and amounts.
struct PageWords: Sendable {
    let invoice, issued, due, total, paid, toPay, line, amount, moreLines: String
    let payCard, payStored, payOther, confirm: String
    let working, workingHint, open, openLink, underWay: String
    let declined, failed, needsConfirmation: String
    let paid410, closed410, expired410, unknown404, tooMany429, broken500, back: String

    static func of(_ language: String) -> PageWords { language.hasPrefix("de") ? german : english }

    private static let english = PageWords(
        invoice: "Invoice", issued: "Issued", due: "due", total: "Total", paid: "Paid",
        toPay: "To pay", line: "For", amount: "Amount", moreLines: "more lines", payCard: "Pay by card",
        payStored: "Pay with the card on file", payOther: "Pay with another card", confirm: "Confirm with your bank",
        working: "One moment, please", workingHint: "This page goes on by itself.",
        open: "You are being taken to a secure page",
        openLink: "Go there now",
        underWay: "A payment of this invoice is under way. There is nothing to do.",
        declined: "The last payment did not go through. Try another card, or try again later.",
        failed: "That did not work. Please try again.",
        needsConfirmation: "Your bank wants you to confirm the payment.",
        paid410: "This invoice is paid. Thank you.", closed410: "There is nothing to pay on this invoice.",
        expired410: "This link has expired. Please ask for a new one.",
        unknown404: "This link does not work. Please check that it was copied whole.",
        tooMany429: "Too many requests. Please wait a minute.",
        broken500: "Something is wrong on our side. Please try again in a while.", back: "Back to the invoice")

    private static let german = PageWords(
        invoice: "Rechnung", issued: "Ausgestellt am", due: "fällig am", total: "Summe",
        paid: "Bezahlt", toPay: "Zu zahlen", line: "Wofür", amount: "Betrag", moreLines: "weitere Posten",
        payCard: "Mit Karte zahlen", payStored: "Mit der hinterlegten Karte zahlen",
        payOther: "Mit einer anderen Karte zahlen", confirm: "Bei Ihrer Bank bestätigen", working: "Einen Moment bitte",
        workingHint: "Diese Seite geht von selbst weiter.", open: "Sie werden auf eine sichere Seite geleitet",
        openLink: "Jetzt dorthin",
        underWay: "Eine Zahlung dieser Rechnung ist unterwegs. Sie müssen nichts tun.",
        declined: "Die letzte Zahlung hat nicht geklappt. Versuchen Sie eine andere Karte oder später noch einmal.",
        failed: "Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.",
        needsConfirmation: "Ihre Bank möchte, dass Sie die Zahlung bestätigen.",
        paid410: "Diese Rechnung ist bezahlt. Vielen Dank.", closed410: "Auf diese Rechnung ist nichts zu zahlen.",
        expired410: "Dieser Link ist abgelaufen. Bitte verlangen Sie einen neuen.",
        unknown404: "Dieser Link geht nicht. Bitte prüfen Sie, ob er ganz kopiert wurde.",
        tooMany429: "Zu viele Anfragen. Bitte warten Sie eine Minute.",
        broken500: "Bei uns stimmt etwas nicht. Bitte versuchen Sie es später noch einmal.",
        back: "Zurück zur Rechnung")
}
