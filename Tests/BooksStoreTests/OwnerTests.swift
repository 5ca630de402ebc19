import BooksStore
import Postgres
import QueueStore
import TestSupport
import Testing

/// The application's own roles are enough: a managed server gives no superuser.
@Suite(.books, .timeLimit(.minutes(15)))
struct OwnerTests {
    @Test func `books that an ordinary role owns work, and their owner reads none of them`() async throws {
        let database = try TestDatabase.current
        let owner = try await database.configuration(as: "billwright_owner")
        try await database.withPool { pool in
            // What the superuser made goes; the roles, which belong to the server, stay.
            _ = try await pool.query("DROP SCHEMA books, queue, billwright CASCADE")
            _ = try await pool.query("DROP TABLE public.billwright_migrations")
            _ = try await pool.query("GRANT CREATE ON DATABASE \(SQL.identifier(database.name)) TO billwright_owner")
            _ = try await pool.query("GRANT CREATE ON SCHEMA public TO billwright_owner")
        }
        _ = try await Migrator(owner, QueueMigrations.all + BooksMigrations.all).migrate()
        try await BooksFixture.with { books in
            // Foreign keys, triggers and identities all run for the owner, whom row-level security shuts out.
            _ = try await books.invoicedCustomer()
            #expect(try await BooksSummary.read(books.pool).isBalanced)
        }
        let pool = PostgresPool(owner, size: 1)
        let seen = try await pool.query("SELECT count(*) FROM books.invoices").only(Int.self)
        await pool.close()
        #expect(seen == 0)
    }
}
