internal import Accounts
internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres

/// Every statement that takes sellers, catalogues and customers into the books.
enum LoadingSQL {
    static func settings(of seller: String) -> SQL {
        "SELECT settings FROM books.sellers WHERE code = \(seller) FOR NO KEY UPDATE"
    }

    static func seller(_ seller: Seller, _ settings: PostgresJSON) -> SQL {
        """
        INSERT INTO books.sellers (code, name, time_zone, currency, language, settings, branding)
        VALUES (\(seller.code), \(seller.name), \(seller.timeZone), \(seller.currency.code), \(seller.language),
                \(settings), \(PostgresJSON((seller.branding?.json ?? [:]).text())))
            ON CONFLICT (code) DO UPDATE
           SET name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency,
               language = excluded.language, settings = excluded.settings, branding = excluded.branding
        RETURNING seller_id
        """
    }

    /// One loader of a seller at a time: revisions are counted, and batches never wait for each other in a circle.
    static func lock(_ seller: Seller.ID) -> SQL {
        "SELECT FROM books.sellers WHERE seller_id = \(seller) FOR NO KEY UPDATE"
    }

    static func catalogue(
        _ definition: PostgresJSON, _ currency: Currency, _ revision: Int, of seller: Seller.ID, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.catalogues (seller_id, revision, currency, definition, loaded_at)
        VALUES (\(seller), \(revision), \(currency.code), \(definition), \(now))
        """
    }

    static func sell(by revision: Int, _ seller: Seller.ID) -> SQL {
        "UPDATE books.sellers SET catalogue_revision = \(revision) WHERE seller_id = \(seller)"
    }

    /// Those whose code is taken, in whatever case, are left as they are.
    static func customers(_ customers: [NewCustomer], of seller: Seller.ID, at now: Instant) -> SQL {
        """
        INSERT INTO books.customers
               (seller_id, code, name, email, currency, time_zone, country, region, postal_code, tax_exempt,
                billing_day, language, payment_method, net_days, created_at)
        SELECT seller.seller_id, given.code, given.name, given.email, coalesce(given.currency, seller.currency),
               coalesce(given.time_zone, seller.time_zone), given.country, given.region, given.postal_code,
               given.tax_exempt, given.billing_day, given.language, given.payment_method, given.net_days, \(now)
          FROM books.sellers AS seller,
               unnest(\(customers.map(\.code)), \(customers.map(\.name)), \(customers.map(\.email)),
                      \(customers.map { $0.currency?.code }), \(customers.map(\.timeZone)),
                      \(customers.map { $0.address?.country }), \(customers.map { $0.address?.region }),
                      \(customers.map { $0.address?.postalCode }), \(customers.map(\.isTaxExempt)),
                      \(customers.map(\.billingDay)), \(customers.map(\.language)),
                      \(customers.map { $0.arrangement?.method.rawValue }),
                      \(customers.map { $0.arrangement?.netDays }))
               WITH ORDINALITY AS given(code, name, email, currency, time_zone, country, region, postal_code,
                                        tax_exempt, billing_day, language, payment_method, net_days, place)
         WHERE seller.seller_id = \(seller)
         ORDER BY given.place
            ON CONFLICT (printed_code, seller_id) DO NOTHING
        RETURNING customer_id
        """
    }

    /// By code as invoice numbers print it, in upper case. Joined code by code: of a list the planner thinks, while a
    /// load has just begun, that reading all of the seller's is cheaper, and goes on doing so.
    static func customerIDs(_ codes: [String], of seller: Seller.ID) -> SQL {
        """
        SELECT customer.printed_code, customer.customer_id
          FROM unnest(\(codes)) AS given(code)
          JOIN books.customers AS customer ON (customer.printed_code, customer.seller_id) = (given.code, \(seller))
        """
    }

    /// Those of these codes of subscriptions that some customer has.
    static func takenCodes(_ codes: [String], of seller: Seller.ID) -> SQL {
        """
        SELECT taken.code
          FROM unnest(\(codes)) AS given(code)
          JOIN books.subscriptions AS taken ON (taken.code, taken.seller_id) = (given.code, \(seller))
        """
    }

    static func paymentMethods(
        _ tokens: [(customer: Customer.ID, token: String)], of seller: Seller.ID, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.payment_methods (seller_id, customer_id, token, state, created_at)
        SELECT \(seller), given.customer_id, given.token, \(PaymentMethodRecord.State.pending.rawValue), \(now)
          FROM unnest(\(tokens.map(\.customer)), \(tokens.map(\.token)))
               WITH ORDINALITY AS given(customer_id, token, place)
         ORDER BY given.place
        RETURNING customer_id, payment_method_id
        """
    }
}
