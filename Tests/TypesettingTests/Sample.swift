import Accounts
import Billing
import Dates
import Documents
import Foundation
import Money
import Testing

/// An invoice of two prices with everything that a page can have.
enum Sample {
    static func document(
        name: String = "Acme GmbH", lines: Int = 0, locale: DocumentLocale = .english,
        paper: Branding.Paper? = nil, logo: Bool = false, image: [UInt8]? = nil
    ) throws -> Document {
        let account = try account(lines: lines)
        var branding = Branding()
        branding.legalName = "Shop Software Ltd"
        branding.address = ["1 High Street", "London"]
        branding.taxIDs = [Branding.TaxID(name: "VAT ID", value: "GB123456789")]
        branding.payment = ["IBAN FR76 3000 6000 0112 3456 7890 189"]
        branding.paymentLink = "https://pay.example/i/{number}?t=abc'%7E"
        branding.footer = "Payable within 14 days."
        branding.locale = locale
        branding.paper = paper
        let picture = try image ?? (logo ? png() : nil)
        if let picture { branding.logo = try PNGImage(picture) }
        let writer = DocumentWriter(account, customerName: name, sellerName: "Shop", branding: branding)
        return try #require(try writer.document(DocumentReference(.invoice, "ACME-0001")))
    }

    static func account(lines: Int = 0) throws -> Account {
        let plan = Plan(
            code: "team", name: "Team", currency: .eur, interval: .month,
            prices: [
                Price(code: "base", model: .flat(amount: Money(minorUnits: 3500, .eur))),
                Price(code: "seats", model: .perUnit(unit: "seat", amount: Rational(900), included: .zero)),
            ])
        var account = Account(
            code: "acme", currency: .eur, zone: .utc, sellerZone: .utc,
            settings: BillingSettings(
                currency: .eur, netDays: 14, taxRates: [TaxRate(country: "FR", percent: Rational(20))]),
            catalogue: Catalogue(currency: .eur, plans: [plan]), email: "billing@acme.example",
            address: Customer.Address(country: "FR", postalCode: "75001"))
        let june = try Instant(parsing: "2026-06-01T00:00:00Z")
        if lines == 0 {
            try account.perform(
                .subscribe(Operation.Subscribe(code: "acme-1", plan: "team", quantities: ["seat": 3])), at: june)
            _ = try account.invoice(at: june) { _ in "ACME-0001" }
        } else {
            let items = (1...lines).map {
                Operation.OneOffLine(code: "item-\($0)", amount: Money(minorUnits: Int64(100 + $0), .eur))
            }
            try account.perform(.invoice(items), at: june)
        }
        return account
    }

    /// 1000 x 250 pixels in two colours, without compression.
    static func png(colourType: UInt8 = 0) throws -> [UInt8] {
        let (width, height) = (1000, 250)
        let row = [UInt8(0)] + (0..<width).map { UInt8($0 % 100 < 50 ? 40 : 200) }
        let raw = (0..<height).flatMap { _ in row }
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: raw.count, by: 65_535) {
            let part = raw[start..<min(start + 65_535, raw.count)]
            stream.append(part.endIndex == raw.count ? 1 : 0)
            for number in [UInt16(part.count), ~UInt16(part.count)] {
                stream += [UInt8(number & 255), UInt8(number >> 8)]
            }
            stream += part
        }
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in raw {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        stream += bigEndian(high << 16 | low)
        let head = bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, colourType, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", head) + chunk("IDAT", stream)
            + chunk("IEND", [])
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        var sum: UInt32 = ~0
        for byte in body {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
        }
        return bigEndian(UInt32(data.count)) + body + bigEndian(~sum)
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
