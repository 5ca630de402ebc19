/// How a seller's documents look and what they say of it: everything on them that is not in the books.
public struct Branding: Hashable, Sendable {
    /// As it stands in the register; the seller's name if `nil`.
    public var legalName: String?
    /// At most six lines.
    public var address: [String] = []
    public var email: String?
    public var phone: String?
    public var website: String?
    /// In the order in which they are printed.
    public var taxIDs: [TaxID] = []
    /// The logo, in place of the seller's name.
    public var logo: PNGImage?
    public var colour = Colour(red: 0x1F, green: 0x3A, blue: 0x5F)
    public var locale = DocumentLocale.english
    public var paper: Paper?
    /// How to pay otherwise than by card: a bank account. At most six lines.
    public var payment: [String] = []
    /// An address that takes money for an invoice, with `{number}` in place of its number.
    public var paymentLink: String?
    /// Terms, below the last page's content.
    public var footer: String?
    /// Whether each amount is told with its calculation, which is in English; `nil`: where the document is.
    public var explanations: Bool?
    public var rendering = Rendering.onDemand

    public init() {}

    /// A number by which an authority knows the seller.
    public struct TaxID: Hashable, Sendable {
        /// As `VAT ID`.
        public let name: String
        public let value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public struct Colour: Hashable, Sendable {
        public let red: UInt8
        public let green: UInt8
        public let blue: UInt8

        public init(red: UInt8, green: UInt8, blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }
    }

    public enum Paper: String, CaseIterable, Hashable, Sendable { case a4, letter }

    public enum Rendering: String, CaseIterable, Hashable, Sendable {
        /// When somebody asks.
        case onDemand = "on_demand"
        /// As soon as there is something to be written: invoices, credit notes, receipts.
        case onIssue = "on_issue"
    }

    /// The seller's, else what its country's people use.
    public var printedPaper: Paper { paper ?? (locale == .english ? .letter : .a4) }
}

/// A language with the ways in which a region writes dates and numbers.
public enum DocumentLocale: String, CaseIterable, Hashable, Sendable {
    case english = "en-US"
    case british = "en-GB"
    case german = "de-DE"
    case swissGerman = "de-CH"
    case french = "fr-FR"
    case spanish = "es-ES"
    case italian = "it-IT"
    case dutch = "nl-NL"

    /// Two letters.
    public var language: String { String(rawValue.prefix(2)) }
}
