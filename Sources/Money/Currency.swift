/// A currency of ISO 4217 that is in use, with the number of its decimals; no other can be made.
public struct Currency: Hashable, Sendable {
    /// Three upper-case letters, as `USD`.
    public let code: String
    /// How many decimals a major unit has: JPY 0, USD 2, BHD 3, CLF 4.
    public let exponent: Int

    /// Throws `MoneyFault.unknownCurrency` naming the code. Lower-case letters are not accepted.
    public init(code: String) throws(MoneyFault) {
        guard let exponent = Currency.exponents[code] else { throw .unknownCurrency(code) }
        self.init(code: code, exponent: exponent)
    }

    private init(code: String, exponent: Int) {
        self.code = code
        self.exponent = exponent
    }

    public static let usd = Currency(code: "USD", exponent: 2)
    public static let eur = Currency(code: "EUR", exponent: 2)
    public static let jpy = Currency(code: "JPY", exponent: 0)

    /// Minor units in a major unit: 1, 100, 1000 or 10,000.
    public var minorUnitsPerMajor: Int64 {
        switch exponent {
        case 0: 1
        case 2: 100
        case 3: 1000
        default: 10_000
        }
    }

    /// All codes, in alphabetical order.
    public static var allCodes: [String] { exponents.keys.sorted() }

    /// ISO 4217 list one as of 2026, without what has no decimals to speak of (metals, SDR, test codes).
    private static let exponents: [String: Int] = {
        let codes: [(exponent: Int, codes: String)] = [
            (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
            (3, "BHD IQD JOD KWD LYD OMR TND"),
            (4, "CLF UYW"),
            (
                2,
                """
                AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF \
                CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL \
                HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU \
                MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR \
                SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED \
                VES WST XAD XCD XCG YER ZAR ZMW ZWG
                """
            ),
        ]
        var exponents: [String: Int] = [:]
        for (exponent, list) in codes {
            for code in list.split(separator: " ") { exponents[String(code)] = exponent }
        }
        return exponents
    }()
}

extension Currency: CustomStringConvertible {
    public var description: String { code }
}

extension Currency: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(code: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}
