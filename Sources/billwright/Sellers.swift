internal import Billing
internal import JobKit
internal import Postgres
internal import QueueStore

/// Every seller of this database.
struct Sellers: Sendable {
    let pool: PostgresPool

    func all() async throws -> [Seller.ID] {
        let ids = try await pool.transaction(settings: [.tenant(.all)]) { transaction in
            try await transaction.query("SELECT seller_id FROM books.sellers ORDER BY seller_id").decode(Int64.self)
        }
        return ids.map { Seller.ID($0) }
    }
}
