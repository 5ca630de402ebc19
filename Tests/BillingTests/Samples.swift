import Billing
import Dates
import Money

/// Values that the tests of this module are made of.
enum Sample {
    static func date(_ text: String) throws -> LocalDate { try LocalDate(parsing: text) }

    static func period(_ start: String, _ end: String) throws -> Period {
        try Period(start: date(start), end: date(end))
    }

    /// The plans of a catalogue written as its `plans` list.
    static func catalogue(_ plans: String, metrics: String = "[]", currency: String = "USD") throws -> Catalogue {
        let text = "{\"currency\": \"\(currency)\", \"metrics\": \(metrics), \"plans\": \(plans)}"
        return try Catalogue.read(Array(text.utf8), name: "sample")
    }

    static func plan(interval: String = "\"month\"", prices: String, trialDays: Int = 0) throws -> Plan {
        try catalogue(
            "[{\"code\": \"p\", \"interval\": \(interval), \"trial_days\": \(trialDays), \"prices\": [\(prices)]}]"
        ).plans[0]
    }

    static func flat(_ amount: String, code: String = "base", extra: String = "") -> String {
        "{\"code\": \"\(code)\", \"model\": \"flat\", \"amount\": \"\(amount)\"\(extra)}"
    }
}
