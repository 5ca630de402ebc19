import Billing
import BooksStore
import JobKit
import Postgres
import QueueStore
import TestSupport
import Testing

@Suite(.books, .timeLimit(.minutes(15)))
struct IsolationTests {
    /// Tables with a seller that lack what keeps sellers apart.
    private static let unprotected: SQL = """
        SELECT relation.oid::regclass::text
          FROM pg_class AS relation
          JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid AND attribute.attname = 'seller_id'
         WHERE relation.relkind IN ('r', 'p') AND NOT attribute.attisdropped
           AND NOT (relation.relrowsecurity AND relation.relforcerowsecurity
                    AND (SELECT count(DISTINCT role.rolname) = 2
                           FROM pg_policy AS policy JOIN pg_roles AS role ON role.oid = ANY (policy.polroles)
                          WHERE policy.polrelid = relation.oid
                            AND role.rolname IN ('billwright_worker', 'billwright_web')))
         ORDER BY 1
        """

    @Test func `every table with a seller is closed to the others`() async throws {
        try await TestDatabase.current.withPool { pool in
            let tables = try await pool.query(
                "SELECT count(*) FROM pg_attribute WHERE attname = 'seller_id' AND attrelid > 16384"
            ).only(Int.self)
            #expect(tables > 10)
            #expect(try await pool.query(Self.unprotected).decode(String.self) == [])
            // The check itself sees what is open.
            _ = try await pool.query("CREATE TABLE books.left_open (seller_id bigint)")
            #expect(try await pool.query(Self.unprotected).decode(String.self) == ["books.left_open"])
            _ = try await pool.query("ALTER TABLE books.left_open ENABLE ROW LEVEL SECURITY")
            #expect(try await pool.query(Self.unprotected).decode(String.self) == ["books.left_open"])
            _ = try await pool.query("SELECT billwright.isolate_by_seller('books.left_open')")
            #expect(try await pool.query(Self.unprotected).decode(String.self) == [])
        }
    }

    private static var other: Catalogue {
        get throws {
            try Catalogue.read(Array(BooksFixture.catalogue(seller: "other").utf8), name: "other.json")
        }
    }

    /// How many customers a transaction with this setting sees.
    private func visible(to role: String, tenant: String?) async throws -> Int {
        let pool = PostgresPool(try await TestDatabase.current.configuration(as: role), size: 1)
        let settings = tenant.map { [TransactionSetting("billwright.tenant", $0)] } ?? []
        let count = try await pool.transaction(settings: settings) { transaction in
            try await transaction.query("SELECT count(*) FROM books.customers").only(Int.self)
        }
        await pool.close()
        return count
    }

    @Test func `a role sees the seller it names, and nobody when it names none`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(3))
            let other = try Self.other
            let otherID = try await books.loader.loadSeller(#require(other.seller), now: books.start)
            _ = try await books.loader.loadCatalogue(other, of: otherID, now: books.start)
            try await books.load(BooksFixture.customers(2), of: otherID)
            for role in ["billwright_worker", "billwright_web"] {
                #expect(try await visible(to: role, tenant: nil) == 0)
                #expect(try await visible(to: role, tenant: "") == 0)
                #expect(try await visible(to: role, tenant: "\(books.seller)") == 3)
                #expect(try await visible(to: role, tenant: "\(otherID)") == 2)
            }
            #expect(try await visible(to: "billwright_worker", tenant: "*") == 5)
            #expect(try await visible(to: "billwright_web", tenant: "*") == 0)
        }
    }

    @Test func `nobody writes for another seller, and the web process writes nothing`() async throws {
        try await BooksFixture.with { books in
            let other = try await books.loader.loadSeller(#require(Self.other.seller), now: books.start)
            let insert: SQL = """
                INSERT INTO books.number_series (seller_id, last) VALUES (\(other), 1)
                """
            let refused = await #expect(throws: PostgresError.self) { try await books.rows(insert) }
            #expect(refused?.sqlState == "42501")
            let configuration = try await TestDatabase.current.configuration(as: "billwright_web")
            let web = PostgresPool(configuration, size: 1)
            let denied = await #expect(throws: PostgresError.self) {
                try await web.transaction(settings: [.tenant(.one(other.rawValue))]) { transaction in
                    _ = try await transaction.query(insert)
                }
            }
            await web.close()
            #expect(denied?.sqlState == "42501")
        }
    }

    @Test func `a connection given back in the middle of a transaction reads nothing for the next`() async throws {
        try await BooksFixture.with { books in
            try await books.load(BooksFixture.customers(3))
            let configuration = try await TestDatabase.current.configuration(as: "billwright_worker")
            let pool = PostgresPool(configuration, size: 1)
            let counted: SQL = "SELECT count(*), pg_backend_pid() FROM books.customers"
            let (seen, first) = try await pool.withConnection { connection in
                _ = try await connection.query("BEGIN")
                _ = try await connection.query(
                    "SELECT set_config('billwright.tenant', \(books.seller.description), true)")
                return try await connection.query(counted).only(Int.self, Int32.self)
            }
            #expect(seen == 3)
            let (left, second) = try await pool.query(counted).only(Int.self, Int32.self)
            await pool.close()
            #expect(left == 0 && first == second)
        }
    }
}
