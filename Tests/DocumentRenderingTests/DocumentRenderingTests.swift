import Accounts
import Billing
import BillingPorts
import BillingSupport
import BooksStore
import Crypto
import Dates
import DocumentStorage
import Documents
import JobKit
import Money
import Postgres
import TestSupport
import Testing

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct DocumentRenderingTests {
    @Test func `an invoice, a credit note and each receipt are made once and kept`() async throws {
        try await Documented.with { documented in
            let (fixture, customer) = (documented.fixture, documented.seller.customer())
            try await fixture.bill(documented.seller)
            #expect(try await documented.render() == ["completed"])
            #expect(try await documented.rows == ["invoice ACME-0001 stored"])
            try await fixture.change([customer]) { account in
                try account.perform(.pay(invoice: 1, amount: Money(minorUnits: 1000, .usd)), at: fixture.start)
                let part = Operation.CreditNoteAmount.amount(Money(minorUnits: 500, .usd))
                try account.perform(.creditNote(invoice: 1, part, as: .credit), at: fixture.start)
            }
            try await fixture.change([customer]) { account in
                try account.perform(.pay(invoice: 1, amount: nil), at: fixture.start)
            }
            #expect(try await documented.render() == ["completed", "completed", "completed"])
            let all = [
                "credit_note ACME-CN-0001", "invoice ACME-0001", "receipt ACME-0001-R1",
                "receipt ACME-0001-R2",
            ]
            #expect(try await documented.rows == all.map { "\($0) stored" })
            #expect(documented.files == all.map { $0.replacing(" ", with: "-") }.sorted())

            try await fixture.enqueue(RenderDocument(.receipt, "ACME-0001", of: customer))
            try await fixture.enqueue(RenderDocument(.invoice, "ACME-0009", of: customer))
            #expect(try await documented.render() == ["completed", "completed"])
            #expect(try await documented.rows.count == all.count && documented.files.count == all.count)
        }
    }

    @Test func `what is written down of a document is what is kept`() async throws {
        try await Documented.with { documented in
            try await documented.fixture.bill(documented.seller)
            try await documented.render()
            let rows = try await documented.fixture.query(
                "SELECT storage_key, sha256, bytes FROM books.documents", of: documented.seller.id
            ).decode(String.self, [UInt8].self, Int64.self)
            #expect(rows.count == 1)
            for (text, digest, count) in rows {
                let key = try #require(DocumentKey(text))
                let bytes = try await documented.store.bytes(under: key)
                #expect(bytes.count == count && sha256(bytes) == digest && bytes.starts(with: Array("%PDF-1.5".utf8)))
            }
        }
    }

    @Test func `nothing is made where the seller has not asked for it`() async throws {
        try await BillingFixture.with { fixture in
            let seller = try await fixture.load([SampleCustomer()])
            let documented = try await Documented(fixture, seller, onIssue: false)
            try await fixture.bill(seller)
            #expect(try await fixture.states(of: RenderDocument.kind).isEmpty)
            #expect(try await documented.render().isEmpty)
        }
    }

    @Test func `a store that is away has the job try again, under the same key`() async throws {
        try await Documented.with { documented in
            try await documented.fixture.bill(documented.seller)
            let away = FolderStore(folder: "/proc/none")
            _ = try await documented.fixture.drain(from: documented.fixture.start) { documented.handler(away) }
            #expect(try await documented.rows == ["invoice ACME-0001 intended"])
            let keys = try await documented.fixture.query(
                "SELECT storage_key FROM books.documents ORDER BY 1", of: documented.seller.id
            ).decode(String.self)
            #expect(try await documented.render() == ["completed"])
            let after = try await documented.fixture.query(
                "SELECT storage_key FROM books.documents WHERE rendered_at IS NOT NULL ORDER BY 1",
                of: documented.seller.id
            ).decode(String.self)
            #expect(after == keys)
        }
    }

    private static let refused: [(name: String, sql: SQL)] = [
        ("another digest", "UPDATE books.documents SET sha256 = sha256 || '' , bytes = 7"),
        ("another key", "UPDATE books.documents SET storage_key = storage_key || 'x'"),
    ]

    @Test(arguments: refused.indices) func `a stored document's row never changes`(index: Int) async throws {
        let (name, sql) = Self.refused[index]
        try await Documented.with { documented in
            try await documented.fixture.bill(documented.seller)
            try await documented.render()
            let fault = await #expect(throws: PostgresError.self) {
                try await documented.fixture.query(sql, of: documented.seller.id)
            }
            #expect(fault?.sqlState == "BW002", "\(name)")
        }
    }

    @Test func `a seller sees its own documents only`() async throws {
        try await Documented.with { documented in
            try await documented.fixture.bill(documented.seller)
            try await documented.render()
            let other = try await documented.fixture.load([SampleCustomer("other")], seller: "other")
            let seen = try await documented.fixture.query("SELECT number FROM books.documents", of: other.id)
            #expect(try seen.decode(String.self).isEmpty)
        }
    }
}
