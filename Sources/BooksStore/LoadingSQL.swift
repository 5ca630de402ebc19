internal import Billing
internal import BillingPorts
internal import Dates
internal import JSONText
internal import Money
internal import Postgres

/// Every statement that takes catalogues and customers into the books. Each can be repeated and then changes nothing.
enum LoadingSQL {
    static func seller(_ seller: Seller) -> SQL {
        let (settings, dunning) = (seller.invoices, seller.dunning)
        return """
            INSERT INTO books.sellers (code, name, time_zone, currency, net_days, numbering, prefix, retry_days,
                                       grace_days, final_step)
            VALUES (\(seller.code), \(seller.name), \(seller.timeZone), \(seller.currency.code),
                    \(Int32(settings.netDays)), \(settings.numbering.scheme.rawValue), \(settings.numbering.prefix),
                    \(dunning.retryDays.map { Int32($0) }), \(Int32(dunning.graceDays)), \(dunning.final.rawValue))
                ON CONFLICT (code) DO UPDATE
               SET name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency,
                   net_days = excluded.net_days, numbering = excluded.numbering, prefix = excluded.prefix,
                   retry_days = excluded.retry_days, grace_days = excluded.grace_days,
                   final_step = excluded.final_step
            RETURNING seller_id
            """
    }

    /// One loader of a seller at a time: the versions of a plan are counted, and batches never wait for each other in
    /// a circle.
    static func lock(_ seller: Seller.ID) -> SQL {
        "SELECT FROM books.sellers WHERE seller_id = \(seller) FOR NO KEY UPDATE"
    }

    /// A new version of each plan that is not as its latest version was; jsonb compares by content.
    static func plans(_ plans: [Plan], definitions: [PostgresJSON], of seller: Seller.ID, at now: Instant) -> SQL {
        """
        INSERT INTO books.plans (seller_id, code, version, currency, definition, loaded_at)
        SELECT \(seller), given.code, coalesce(latest.version, 0) + 1, given.currency, given.definition, \(now)
          FROM unnest(\(plans.map(\.code)), \(plans.map(\.currency.code)), \(definitions))
               WITH ORDINALITY AS given(code, currency, definition, place)
          LEFT JOIN LATERAL (SELECT plan.version, plan.currency, plan.definition FROM books.plans AS plan
                              WHERE plan.seller_id = \(seller) AND plan.code = given.code
                              ORDER BY plan.version DESC LIMIT 1) AS latest ON true
         WHERE (latest.currency, latest.definition) IS DISTINCT FROM (given.currency, given.definition)
         ORDER BY given.place
        """
    }

    /// A new version of each coupon that is not as its latest version was.
    static func coupons(
        _ coupons: [Coupon], definitions: [PostgresJSON], in currency: Currency, of seller: Seller.ID, at now: Instant
    ) -> SQL {
        """
        INSERT INTO books.coupons (seller_id, code, version, currency, definition, loaded_at)
        SELECT \(seller), given.code, coalesce(latest.version, 0) + 1, \(currency.code),
               given.definition, \(now)
          FROM unnest(\(coupons.map(\.code)), \(definitions)) WITH ORDINALITY AS given(code, definition, place)
          LEFT JOIN LATERAL (SELECT coupon.version, coupon.currency, coupon.definition FROM books.coupons AS coupon
                              WHERE coupon.seller_id = \(seller) AND coupon.code = given.code
                              ORDER BY coupon.version DESC LIMIT 1) AS latest ON true
         WHERE (latest.currency, latest.definition) IS DISTINCT FROM (\(currency.code), given.definition)
         ORDER BY given.place
        """
    }

    /// A new version of each metric that is not as its latest version was.
    static func metrics(_ metrics: [Metric], of seller: Seller.ID, at now: Instant) -> SQL {
        """
        INSERT INTO books.metrics (seller_id, code, version, aggregation, field, loaded_at)
        SELECT \(seller), given.code, coalesce(latest.version, 0) + 1, given.aggregation, given.field,
               \(now)
          FROM unnest(\(metrics.map(\.code)), \(metrics.map(\.aggregation.rawValue)), \(metrics.map(\.field)))
               WITH ORDINALITY AS given(code, aggregation, field, place)
          LEFT JOIN LATERAL (SELECT metric.version, metric.aggregation, metric.field FROM books.metrics AS metric
                              WHERE metric.seller_id = \(seller) AND metric.code = given.code
                              ORDER BY metric.version DESC LIMIT 1) AS latest ON true
         WHERE latest.version IS NULL
            OR (latest.aggregation, latest.field) IS DISTINCT FROM (given.aggregation, given.field)
         ORDER BY given.place
        """
    }

    static func latestPlans(of seller: Seller.ID) -> SQL {
        """
        SELECT DISTINCT ON (code) plan_id, currency, definition FROM books.plans
         WHERE seller_id = \(seller)
         ORDER BY code, version DESC
        """
    }

    /// Those whose code is taken, in whatever case, are left as they are.
    static func customers(_ customers: [Customer], of seller: Seller.ID, at now: Instant) -> SQL {
        """
        INSERT INTO books.customers
               (seller_id, code, name, email, currency, time_zone, country, region, postal_code, billing_day,
                created_at)
        SELECT seller.seller_id, given.code, given.name, given.email, coalesce(given.currency, seller.currency),
               coalesce(given.time_zone, seller.time_zone), given.country, given.region, given.postal_code,
               given.billing_day, \(now)
          FROM books.sellers AS seller,
               unnest(\(customers.map(\.code)), \(customers.map(\.name)), \(customers.map(\.email)),
                      \(customers.map { $0.currency?.code }), \(customers.map(\.timeZone)),
                      \(customers.map { $0.address?.country }), \(customers.map { $0.address?.region }),
                      \(customers.map { $0.address?.postalCode }), \(customers.map { $0.billingDay.map(Int32.init) }))
               WITH ORDINALITY AS given(code, name, email, currency, time_zone, country, region, postal_code,
                                        billing_day, place)
         WHERE seller.seller_id = \(seller)
         ORDER BY given.place
            ON CONFLICT (seller_id, printed_code) DO NOTHING
        RETURNING customer_id
        """
    }

    /// By code as invoice numbers print it, in upper case.
    static func customerIDs(_ codes: [String], of seller: Seller.ID) -> SQL {
        """
        SELECT printed_code, customer_id FROM books.customers
         WHERE seller_id = \(seller) AND printed_code = ANY (\(codes))
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

    /// Each begins as `scheduled` and waits for Renewals, which then walks it through whatever has passed since.
    static func subscriptions(_ subscriptions: [NewSubscription], of seller: Seller.ID, at now: Instant) -> SQL {
        """
        WITH made AS (
            INSERT INTO books.subscriptions
                   (seller_id, customer_id, code, plan_id, state, starts_on, trial_ends_on, billing_day, quantities,
                    next_action_on, created_at)
            SELECT \(seller), given.customer_id, given.code, given.plan_id, \(SubscriptionState.scheduled.rawValue),
                   given.starts_on, given.trial_ends_on, given.billing_day, given.quantities, given.starts_on, \(now)
              FROM unnest(\(subscriptions.map(\.customer)), \(subscriptions.map(\.code)),
                          \(subscriptions.map(\.plan)), \(subscriptions.map(\.start)),
                          \(subscriptions.map(\.trialEnd)),
                          \(subscriptions.map { $0.billingDay.map(Int32.init) }),
                          \(subscriptions.map(\.quantities)))
                   WITH ORDINALITY AS given(customer_id, code, plan_id, starts_on, trial_ends_on, billing_day,
                                            quantities, place)
             ORDER BY given.place
                ON CONFLICT (seller_id, code) DO NOTHING
            RETURNING customer_id, subscription_id, state, starts_on
        ), noted AS (
            INSERT INTO books.subscription_transitions
                   (seller_id, customer_id, subscription_id, to_state, cause, effective_on, at)
            SELECT \(seller), customer_id, subscription_id, state, 'created', starts_on, \(now) FROM made
        )
        SELECT count(*) FROM made
        """
    }
}

/// A subscription about to be stored.
struct NewSubscription {
    let customer: Customer.ID
    let code: String
    let plan: Plan.ID
    let start: LocalDate
    let trialEnd: LocalDate?
    let billingDay: Int?
    let quantities: PostgresJSON

    init(
        _ request: CustomerFile.SubscriptionRequest, of customer: Customer.ID, billingDay: Int?, planID: Plan.ID,
        trialDays: Int, loadDate: LocalDate
    ) {
        self.customer = customer
        code = request.code
        plan = planID
        let start = request.start ?? loadDate
        self.start = start
        let trial = request.trialDays ?? trialDays
        trialEnd = trial > 0 ? start.adding(days: trial) : nil
        self.billingDay = billingDay
        let members = request.quantities.sorted { $0.key < $1.key }
            .map { JSONValue.Member($0.key, .string($0.value.stored)) }
        quantities = PostgresJSON(JSONValue.object(members).text())
    }
}
