import BillingPorts
import BillingSupport
import Dates
import DocumentRendering
import DocumentStorage
import Documents
import Foundation
import JobKit
import JudgeSupport
import Postgres
import Testing
import Typesetting

/// A seller that has its documents made on issue, and the folder they are kept in.
struct Documented {
    let fixture: BillingFixture
    let seller: SampleSeller
    let folder: TemporaryFolder
    let printer = PDFPrinter()

    init(_ fixture: BillingFixture, _ seller: SampleSeller, onIssue: Bool = true) async throws {
        self.fixture = fixture
        self.seller = seller
        folder = try TemporaryFolder()
        try await fixture.query(
            """
            UPDATE books.sellers SET settings = settings || jsonb_build_object('documents', \(onIssue)),
                   branding = '{"legal_name": "Sample Ltd", "render": "on_issue"}'
            """, of: seller.id)
    }

    var store: FolderStore { FolderStore(folder: folder.path("documents")) }

    func handler(_ store: (any DocumentStore)? = nil) -> RenderDocumentHandler {
        RenderDocumentHandler(renderer: printer, store: store ?? self.store)
    }

    /// Runs what comes due within a day.
    @discardableResult
    func render(_ store: (any DocumentStore)? = nil) async throws -> [String] {
        try await fixture.drain(from: fixture.start, until: fixture.start + .seconds(86_400)) { handler(store) }.endings
    }

    /// Kind, number and whether it is stored.
    var rows: [String] {
        get async throws {
            try await fixture.query(
                """
                SELECT concat_ws(' ', kind, number, CASE WHEN rendered_at IS NULL THEN 'intended' ELSE 'stored' END)
                  FROM books.documents ORDER BY kind, number
                """, of: seller.id
            ).decode(String.self)
        }
    }

    /// The names of all that is kept, without what nobody can guess.
    var files: [String] {
        let path = folder.path("documents/\(seller.id)")
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
            .map { String($0.dropLast("-".count + 32 + ".pdf".count)) }.sorted()
    }

    static func with(_ body: (Documented) async throws -> Void) async throws {
        try await BillingFixture.with { fixture in
            try await body(try await Documented(fixture, try await fixture.load([SampleCustomer()], netDays: 14)))
        }
    }
}
