internal import Billing

/// Every word that documents print of themselves, in each language.
enum Word: Int, CaseIterable {
    case invoice, creditNote, receipt
    case billTo, invoiceNumber, creditNoteNumber, receiptNumber, date, dueDate, customer, ofInvoice
    case amountDue, paid, paidOn, dueBy, payNow, void, uncollectible, creditedTotal, amountReceived
    case description, quantity, unitPrice, taxShort, amount
    case subtotal, total, creditApplied, payments, credited, refunded
    case taxSummary, rate, taxable, tax
    case howToPay, scanToPay, page
    case usage, unusedTime, minimum, discount, partOfPeriod
    case paymentReceived, paymentReturned, card, bankDebit, bankTransfer
    case invoiceTotal, receivedBefore, stillDue, nothingDue
    case toCredit, toRefund, toInvoice, noLines
}

extension DocumentLocale {
    subscript(word: Word) -> String {
        switch language {
        case "de": DocumentLocale.germanWords[word.rawValue]
        case "fr": DocumentLocale.frenchWords[word.rawValue]
        case "es": DocumentLocale.spanishWords[word.rawValue]
        case "it": DocumentLocale.italianWords[word.rawValue]
        case "nl": DocumentLocale.dutchWords[word.rawValue]
        default: DocumentLocale.englishWords[word.rawValue]
        }
    }

    /// In the order of `Word`, as the others; a test counts them.
    static let englishWords = [
        "Invoice", "Credit note", "Receipt",
        "Bill to", "Invoice number", "Credit note number", "Receipt number", "Date", "Due date", "Customer",
        "For invoice",
        "Amount due", "Paid", "Paid on {date}", "Due {date}", "Pay now", "Void", "Written off", "Credit",
        "Amount received",
        "Description", "Quantity", "Unit price", "Tax", "Amount",
        "Subtotal", "Total", "Credit applied", "Payments", "Credit note {number}", "Refunded",
        "Tax summary", "Rate", "Taxable amount", "Tax",
        "How to pay", "Scan to pay", "Page {page} of {pages}",
        "Usage", "Unused time", "Minimum commitment", "Discount", "part of the period",
        "Payment received", "Payment returned", "Card", "Bank debit", "Bank transfer",
        "Invoice total", "Received before", "Still due", "Nothing is left to pay.",
        "Added to your credit", "Paid back to you", "Taken off the invoice", "No lines",
    ]
    static let germanWords = [
        "Rechnung", "Gutschrift", "Zahlungsbeleg",
        "Rechnung an", "Rechnungsnummer", "Gutschriftsnummer", "Belegnummer", "Datum", "Fällig am", "Kundennummer",
        "Zu Rechnung",
        "Zu zahlen", "Bezahlt", "Bezahlt am {date}", "Fällig am {date}", "Jetzt bezahlen", "Storniert", "Ausgebucht",
        "Gutschrift",
        "Erhaltener Betrag",
        "Beschreibung", "Menge", "Einzelpreis", "Steuer", "Betrag",
        "Zwischensumme", "Gesamtbetrag", "Guthaben angerechnet", "Zahlungen", "Gutschrift {number}", "Erstattet",
        "Steuerübersicht", "Satz", "Nettobetrag", "Steuerbetrag",
        "Zahlungsweg", "Zum Bezahlen scannen", "Seite {page} von {pages}",
        "Nutzung", "Nicht genutzte Zeit", "Mindestumsatz", "Rabatt", "anteilig",
        "Zahlungseingang", "Zahlung zurückgegeben", "Karte", "Lastschrift", "Überweisung",
        "Rechnungsbetrag", "Zuvor erhalten", "Noch offen", "Es ist nichts mehr zu zahlen.",
        "Ihrem Guthaben zugeschrieben", "An Sie zurückgezahlt", "Von der Rechnung abgezogen", "Keine Posten",
    ]
    static let frenchWords = [
        "Facture", "Avoir", "Reçu",
        "Facturé à", "Numéro de facture", "Numéro d’avoir", "Numéro de reçu", "Date", "Échéance", "Client",
        "Pour la facture",
        "Montant à payer", "Payée", "Payée le {date}", "À payer avant le {date}", "Payer maintenant", "Annulée",
        "Passée en perte", "Avoir", "Montant reçu",
        "Description", "Quantité", "Prix unitaire", "Taxe", "Montant",
        "Sous-total", "Total", "Crédit utilisé", "Paiements", "Avoir {number}", "Remboursé",
        "Récapitulatif des taxes", "Taux", "Base hors taxe", "Montant de la taxe",
        "Comment payer", "Scannez pour payer", "Page {page} sur {pages}",
        "Consommation", "Temps non utilisé", "Engagement minimum", "Remise", "partie de la période",
        "Paiement reçu", "Paiement retourné", "Carte", "Prélèvement", "Virement",
        "Total de la facture", "Reçu auparavant", "Reste à payer", "Il ne reste rien à payer.",
        "Ajouté à votre crédit", "Remboursé", "Déduit de la facture", "Aucune ligne",
    ]
    static let spanishWords = [
        "Factura", "Nota de crédito", "Recibo",
        "Facturar a", "Número de factura", "Número de nota de crédito", "Número de recibo", "Fecha", "Vencimiento",
        "Cliente", "De la factura",
        "Importe a pagar", "Pagada", "Pagada el {date}", "Vence el {date}", "Pagar ahora", "Anulada", "Incobrable",
        "Crédito",
        "Importe recibido",
        "Descripción", "Cantidad", "Precio unitario", "Impuesto", "Importe",
        "Subtotal", "Total", "Crédito aplicado", "Pagos", "Nota de crédito {number}", "Reembolsado",
        "Resumen de impuestos", "Tipo", "Base imponible", "Cuota",
        "Cómo pagar", "Escanear para pagar", "Página {page} de {pages}",
        "Consumo", "Tiempo no utilizado", "Compromiso mínimo", "Descuento", "parte del periodo",
        "Pago recibido", "Pago devuelto", "Tarjeta", "Adeudo bancario", "Transferencia",
        "Total de la factura", "Recibido antes", "Pendiente", "No queda nada por pagar.",
        "Añadido a su crédito", "Reembolsado", "Deducido de la factura", "Sin líneas",
    ]
    static let italianWords = [
        "Fattura", "Nota di credito", "Ricevuta",
        "Intestata a", "Numero fattura", "Numero nota di credito", "Numero ricevuta", "Data", "Scadenza", "Cliente",
        "Per la fattura",
        "Importo da pagare", "Pagata", "Pagata il {date}", "Scade il {date}", "Paga ora", "Annullata", "Inesigibile",
        "Credito",
        "Importo ricevuto",
        "Descrizione", "Quantità", "Prezzo unitario", "Imposta", "Importo",
        "Subtotale", "Totale", "Credito utilizzato", "Pagamenti", "Nota di credito {number}", "Rimborsato",
        "Riepilogo imposte", "Aliquota", "Imponibile", "Imposta",
        "Come pagare", "Scansiona per pagare", "Pagina {page} di {pages}",
        "Consumo", "Tempo non utilizzato", "Impegno minimo", "Sconto", "parte del periodo",
        "Pagamento ricevuto", "Pagamento stornato", "Carta", "Addebito bancario", "Bonifico",
        "Totale fattura", "Ricevuto in precedenza", "Ancora da pagare", "Non resta nulla da pagare.",
        "Aggiunto al suo credito", "Rimborsato", "Dedotto dalla fattura", "Nessuna riga",
    ]
    static let dutchWords = [
        "Factuur", "Creditnota", "Betalingsbewijs",
        "Factuur aan", "Factuurnummer", "Creditnotanummer", "Bewijsnummer", "Datum", "Vervaldatum", "Klant",
        "Bij factuur",
        "Te betalen", "Betaald", "Betaald op {date}", "Vervalt op {date}", "Nu betalen", "Vervallen", "Afgeboekt",
        "Credit",
        "Ontvangen bedrag",
        "Omschrijving", "Aantal", "Prijs per stuk", "Btw", "Bedrag",
        "Subtotaal", "Totaal", "Tegoed verrekend", "Betalingen", "Creditnota {number}", "Terugbetaald",
        "Btw-overzicht", "Tarief", "Belastbaar bedrag", "Btw-bedrag",
        "Betaalwijze", "Scan om te betalen", "Pagina {page} van {pages}",
        "Verbruik", "Ongebruikte tijd", "Minimumafname", "Korting", "deel van de periode",
        "Betaling ontvangen", "Betaling teruggeboekt", "Kaart", "Incasso", "Overboeking",
        "Factuurbedrag", "Eerder ontvangen", "Nog te betalen", "Er is niets meer te betalen.",
        "Toegevoegd aan uw tegoed", "Aan u terugbetaald", "Van de factuur afgetrokken", "Geen regels",
    ]

    static let allWords = [englishWords, germanWords, frenchWords, spanishWords, italianWords, dutchWords]
}

extension String {
    /// With a value in place of `{name}`.
    func filled(_ name: String, with value: String) -> String { replacing("{\(name)}", with: value) }
}
