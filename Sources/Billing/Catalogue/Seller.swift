public import JSONText
public import Money

/// Who runs a catalogue and issues its invoices.
public struct Seller: Hashable, Sendable {
    /// Letters, digits, `.`, `_` and `-`.
    public let code: String
    public let name: String
    /// The IANA name of the zone of its books and of customers who have none.
    public let timeZone: String
    public let currency: Currency
    public let invoices: InvoiceSettings
    public let dunning: Dunning
    /// `nil`: nobody is parked.
    public let brakes: Brakes?
    public let reminders: Reminders
    public let retention: Retention
    /// `nil`: documents say its name and nothing else of it.
    public let branding: Branding?
    /// In which it writes to customers who have none: `de`, `de-AT`; English if `nil`.
    public let language: String?

    public init(
        code: String, name: String, timeZone: String, currency: Currency, invoices: InvoiceSettings,
        dunning: Dunning = Dunning(), brakes: Brakes? = nil, reminders: Reminders = Reminders(),
        retention: Retention = Retention(), branding: Branding? = nil, language: String? = nil
    ) {
        self.code = code
        self.name = name
        self.timeZone = timeZone
        self.currency = currency
        self.invoices = invoices
        self.dunning = dunning
        self.brakes = brakes
        self.reminders = reminders
        self.retention = retention
        self.branding = branding
        self.language = language
    }
}

/// How a seller numbers its invoices and when they are to be paid.
public struct InvoiceSettings: Hashable, Sendable {
    public let numbering: InvoiceNumbering
    /// Days from an invoice's date to the day it is due; 0 to 365.
    public let netDays: Int

    public init(numbering: InvoiceNumbering = InvoiceNumbering(), netDays: Int = 0) {
        self.numbering = numbering
        self.netDays = netDays
    }
}

/// What happens, and when, to a charge that failed.
public struct Dunning: Hashable, Sendable {
    public enum Final: String, CaseIterable, Hashable, Sendable { case suspend, cancel }

    /// Days after the first failure, each later than the one before; 1 to 365.
    public var retryDays: [Int]
    /// Days from the first failure to the suspension; 0 to 365.
    public var graceDays: Int
    public var final: Final

    public init(retryDays: [Int] = [1, 3, 7], graceDays: Int = 15, final: Final = .suspend) {
        self.retryDays = retryDays
        self.graceDays = graceDays
        self.final = final
    }
}

extension Dunning {
    /// Reads `{retry_days grace_days final}`, each optional. `nil` if anything is wrong with it, and then `faults` has
    /// all of it.
    public static func reading(_ node: JSONNode, faults: inout JSONFaultList) -> Dunning? {
        var fields = FieldReader()
        fields.check(node, keys: ["retry_days", "grace_days", "final"])
        var dunning = Dunning()
        if let days = fields.optional(node, "retry_days", Dunning.days) { dunning.retryDays = days }
        if let days = fields.optional(node, "grace_days", Field.integer(0...365)) { dunning.graceDays = days }
        if let final = fields.optional(node, "final", Field.choice(Final.self)) { dunning.final = final }
        faults.add(fields.faults.faults)
        return fields.faults.isEmpty ? dunning : nil
    }

    private static func days(_ node: JSONNode) throws(JSONFault) -> [Int] {
        var days: [Int] = []
        for node in try node.array() {
            let day = try Field.integer(1...365)(node)
            if let last = days.last, day <= last { throw node.fault("day \(day) does not come after day \(last)") }
            days.append(day)
        }
        return days
    }
}
