public import BillingPorts
internal import Postgres
public import QueueStore

/// The books in Postgres: a transaction of the queue's is one of the books' as well, so both commit together or not at
/// all.
///
/// Whoever writes about a customer's money locks its row first. Everything after that is ordered by that lock, so two
/// transactions about one customer wait for each other and never deadlock. Renewals lock subscriptions alone and skip
/// what is locked.
extension PostgresWork: BillingWork {}

/// A row is not as it was when it was read: somebody else moved it on. Whatever was about to be committed is rolled back;
/// the job reads again and decides anew.
public struct StaleRecord: Error, Hashable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

extension Rows {
    /// Throws `StaleRecord` unless the statement changed exactly one row.
    func requireOne(_ record: @autoclosure () -> String) throws(StaleRecord) {
        guard affectedRows == 1 else { throw StaleRecord("\(record()): somebody else has changed it") }
    }
}

/// Statements about the row that orders everything else.
enum CustomerSQL {
    /// NO KEY UPDATE excludes every other that locks the customer, but not the foreign keys of those who do not: a row
    /// that merely names the customer need not wait.
    static func lock(_ key: CustomerKey) -> SQL {
        """
        SELECT FROM books.customers WHERE seller_id = \(key.seller) AND customer_id = \(key.customer)
           FOR NO KEY UPDATE
        """
    }

    /// The customer, locked, with what its seller has settled for it.
    static func lockedRecord(_ key: CustomerKey) -> SQL { "\(record(key)) FOR NO KEY UPDATE OF customer" }

    static func record(_ key: CustomerKey) -> SQL {
        """
        SELECT customer.seller_id, customer.customer_id, customer.code, customer.name, customer.email,
               customer.currency, customer.time_zone, customer.gateway_customer, seller.code, seller.name,
               seller.numbering, seller.prefix, seller.net_days
          FROM books.customers AS customer
          JOIN books.sellers AS seller USING (seller_id)
         WHERE customer.seller_id = \(key.seller) AND customer.customer_id = \(key.customer)
        """
    }
}
