import JSONText
import Money
import Testing

@testable import Billing

@Suite struct BrandingTests {
    /// One red pixel.
    static let pixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"

    private static func catalogue(_ branding: String) -> [UInt8] {
        Array(
            """
            {"seller": {"code": "shop", "name": "Shop", "currency": "USD", "branding": \(branding)}, "plans": []}
            """.utf8)
    }

    private static let whole = """
        {"legal_name": "Shop Ltd", "address": ["1 High Street", "London"], "email": "a@shop.example", "phone": "+44 1",
         "website": "shop.example", "tax_ids": [{"name": "VAT", "value": "GB1"}], "logo": "\(pixel)",
         "colour": "#0A7E8C", "locale": "de-DE", "paper": "letter", "payment": ["IBAN 1"],
         "payment_link": "https://pay.example/{number}", "footer": "Terms\\nand more", "explanations": true,
         "render": "on_issue"}
        """

    @Test func `what a catalogue says of a seller's looks is read, and written as it was`() throws {
        let catalogue = try Catalogue.read(Self.catalogue(Self.whole), name: "c.json")
        let branding = try #require(catalogue.seller?.branding)
        #expect(branding.legalName == "Shop Ltd" && branding.address.count == 2 && branding.taxIDs[0].value == "GB1")
        #expect(branding.colour == Branding.Colour(red: 0x0A, green: 0x7E, blue: 0x8C))
        #expect(branding.logo.map { [$0.width, $0.height] } == [1, 1])
        #expect(branding.locale == .german && branding.paper == .letter && branding.rendering == .onIssue)
        let again = try Branding(reading: JSONNode(parsing: Array(branding.json.text().utf8)))
        #expect(again == branding)
        #expect(try Catalogue.read(Array(catalogue.json().text().utf8), name: "c.json") == catalogue)
    }

    @Test func `nothing said is a plain document on demand`() throws {
        let branding = try #require(Catalogue.read(Self.catalogue("{}"), name: "c.json").seller?.branding)
        #expect(branding == Branding() && branding.rendering == .onDemand && branding.printedPaper == .letter)
        #expect(try Catalogue.read(Array(#"{"currency": "USD", "plans": []}"#.utf8), name: "c").seller == nil)
    }

    @Test func `a difference in looks is told by its key`() throws {
        let old = try Catalogue.read(Self.catalogue(#"{"footer": "a", "logo": "\#(Self.pixel)"}"#), name: "c")
        let new = try Catalogue.read(Self.catalogue(#"{"footer": "b", "logo": "\#(Self.pixel)"}"#), name: "c")
        let fields = try old.changes(to: new).flatMap(\.fields)
        #expect(fields == [CatalogueChange.Field(key: "branding.footer", old: "\"a\"", new: "\"b\"")])
    }

    @Test func `every fault is told by its path, all at once`() {
        let faulty = """
            {"logo": "\(Self.pixel.prefix(60))", "colour": "blue", "locale": "xx", "tax_ids": [{"name": "VAT"}],
             "address": ["1", "2", "3", "4", "5", "6", "7"], "payment_link": "http://pay.example", "email": "nobody",
             "paper": "a5", "render": "later", "footer": "", "explanations": 1, "Logo": "x"}
            """
        let faults = #expect(throws: CatalogueFaults.self) {
            try Catalogue.read(Self.catalogue(faulty), name: "c.json")
        }
        let paths = Set((faults?.faults ?? []).map(\.path))
        #expect(
            paths
                == Set(
                    [
                        "logo", "colour", "locale", "tax_ids[0]", "address", "payment_link", "email", "paper",
                        "render",
                        "footer", "explanations", "Logo",
                    ].map { "seller.branding.\($0)" }))
    }

    @Test(arguments: [
        ("R0lGODlhAQABAAAAACw=", "is no PNG file"), (String(pixel.prefix(60)), "is cut off"),
        (pixel.replacing("gAAAAEAAAAB", with: "gAAAAIAAAAB"), "is damaged"),
    ])
    func `what is no whole PNG is no logo`(text: String, reason: String) throws {
        let bytes = try #require(Base64.decode(text))
        let fault = #expect(throws: PNGFault.self) { try PNGImage(bytes) }
        #expect(fault?.description == reason)
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func `base64 gives back what it was given`(text: String) {
        #expect(Base64.decode(Base64.encode(Array(text.utf8))) == Array(text.utf8))
    }

    @Test(arguments: ["Zg=", "Z===", "Zg==Zg==", "Z g=", "Zm9vä"])
    func `what is no base64 is refused`(text: String) { #expect(Base64.decode(text) == nil) }

    @Test func `base64 is as RFC 4648 has it`() {
        #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==" && Base64.encode(Array("fooba".utf8)) == "Zm9vYmE=")
    }
}
