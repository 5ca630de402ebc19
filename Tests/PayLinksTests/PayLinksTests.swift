import Billing
import BillingPorts
import Dates
import PayLinks
import Testing

@Suite struct PayLinksTests {
    private static let old = String(repeating: "o", count: 32)
    private static let new = String(repeating: "n", count: 40)
    private let customer = CustomerKey(seller: Seller.ID(7), customer: Customer.ID(1_234_567))

    private func links(_ secrets: String...) throws -> PayLinks {
        PayLinks(keys: try #require(LinkKeys(secrets.joined(separator: ","))), base: "https://billing.example/")
    }

    private func content() throws -> PayLinks.Content {
        PayLinks.Content(customer: customer, invoice: 3, expiresAt: try Instant(parsing: "2026-12-31T00:00:00Z"))
    }

    @Test func `a token says what was put into it, and the same is the same text`() throws {
        let links = try links(Self.new)
        let token = links.token(try content())
        #expect(links.content(of: token) == (try content()))
        #expect(links.token(try content()) == token)
        let at = try Instant(parsing: "2026-11-01T00:00:00Z")
        let link = links.link(customer, invoice: 3, at: at)
        #expect(link.hasPrefix("https://billing.example/pay/"))
        let read = links.content(of: String(link.dropFirst("https://billing.example/pay/".count)))
        #expect(read?.expiresAt == at + PayLinks.lifetime)
    }

    @Test func `no changed character goes unnoticed`() throws {
        let links = try links(Self.new)
        let token = Array(links.token(try content()))
        for place in token.indices {
            var changed = token
            changed[place] = changed[place] == "A" ? "B" : "A"
            #expect(links.content(of: String(changed)) == nil)
        }
        for text in [
            "", "x", String(token.dropLast()), String(token) + "A", String(repeating: "A", count: token.count),
        ] {
            #expect(links.content(of: text) == nil)
        }
    }

    @Test func `a secret is changed without a link being lost, and taken away with all of its`() throws {
        let token = try links(Self.old).token(try content())
        #expect(try links(Self.new, Self.old).content(of: token) != nil)
        #expect(try links(Self.new).content(of: token) == nil)
        #expect(try links(Self.new, Self.old).token(try content()) == links(Self.new).token(try content()))
    }

    @Test(arguments: ["", "short", String(repeating: "x", count: 31), String(repeating: "x", count: 32) + ",y"])
    func `a weak secret is none`(text: String) { #expect(LinkKeys(text) == nil) }

    @Test func `a form's key belongs to its page`() throws {
        let links = try links(Self.new)
        let nonce = try links.nonce(for: customer, invoice: 3)
        #expect(links.isNonce(nonce, for: customer, invoice: 3) && !links.isNonce(nonce, for: customer, invoice: 4))
        #expect(try links.nonce(for: customer, invoice: 3) != nonce)
        #expect(!links.isNonce("", for: customer, invoice: 3))
        #expect(!links.isNonce(String(nonce.reversed()), for: customer, invoice: 3))
    }

    @Test func `a log's name for a link does not open it`() throws {
        let token = try links(Self.new).token(try content())
        #expect(PayLinks.name(of: token).count == 8 && !token.contains(PayLinks.name(of: token)))
    }
}
