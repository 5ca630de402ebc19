public import BillingPorts
public import HTTPClient
internal import HTTPTypes
public import JobKit

/// Charges stored cards at Stripe: every answer, and the lack of one, becomes one of the port's words, and a resend
/// carries the same key and the same bytes.
///
/// It speaks one version of the API, logs nothing, and lets neither its key nor a card number into a request line, a
/// reason or an error.
public struct StripeGateway: PaymentGateway {
    /// Sent with every call: without it the account's default version would decide what an answer means.
    public static let apiVersion = "2026-10-28.endive"

    let api: StripeAPI
    let minimalParameters: Bool

    /// `apiBase` is scheme, host and port. Throws `StripeSettingsFault` for a key that is none, a live key without
    /// `allowsLive` or to another host than Stripe's, and `http` to another machine. Time-outs are the client's.
    ///
    /// `limited` is told when the account has called too often, and for how long nobody is to call.
    ///
    /// `minimalParameters` is for stand-ins that know less than the API: a charge does not say that it is for cards, and
    /// a search reads the whole list.
    public init(
        secretKey: String, apiBase: String = "https://api.stripe.com", allowsLive: Bool = false,
        minimalParameters: Bool = false, client: HTTPClient,
        limited: @escaping @Sendable (Duration) async -> Void = { _ in }
    ) throws(StripeSettingsFault) {
        let access = try StripeAccess(secretKey: secretKey, apiBase: apiBase, allowsLive: allowsLive)
        let api = StripeAPI(access: access, limited: limited) { await StripeExchange($0, by: client) }
        self.init(api: api, minimalParameters: minimalParameters)
    }

    init(api: StripeAPI, minimalParameters: Bool) {
        self.api = api
        self.minimalParameters = minimalParameters
    }

    public func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        let texts = [customer.name, customer.email] + customer.metadata.values
        if texts.contains(where: CardNumber.appears) { return .cardNumberRefused }
        var form = FormEncoding()
        // Stripe refuses an empty text where it wants none at all.
        if !customer.name.isEmpty { form.add("name", customer.name) }
        if !customer.email.isEmpty { form.add("email", customer.email) }
        for (name, value) in customer.metadata.sorted(by: { $0.key < $1.key }) { form.add("metadata", name, value) }
        let reply = await api.send(.post("/v1/customers", form, key: key))
        return SetupOutcome(reply, customersFault: ["email", "name"])
    }

    public func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        if CardNumber.appears(in: token) || CardNumber.appears(in: reference) { return .cardNumberRefused }
        guard !token.isEmpty else { return .refused(code: "no_token", message: "there is no payment method to attach") }
        let path = "/v1/payment_methods/\(PercentEncoding.encode(token))/attach"
        let reply = await api.send(.post(path, FormEncoding([("customer", reference)]), key: key))
        let attached = SetupOutcome(reply, customersFault: ["payment_method"])
        // The id answered is the customer's own: a shared test token becomes a new one at each attachment.
        guard case .done(let paymentMethod) = attached else { return attached }
        return await makeDefault(paymentMethod, of: reference, key: key)
    }

    /// A second call needs a second key, and the same one each time.
    private func makeDefault(_ paymentMethod: String, of customer: String, key: IdempotencyKey) async -> SetupOutcome {
        var form = FormEncoding()
        form.add("invoice_settings", "default_payment_method", paymentMethod)
        let path = "/v1/customers/\(PercentEncoding.encode(customer))"
        let reply = await api.send(.post(path, form, key: IdempotencyKey(key.text + ":default")))
        let outcome = SetupOutcome(reply, customersFault: [])
        guard case .done = outcome else { return outcome }
        return .done(reference: paymentMethod)
    }

    public func charge(_ request: ChargeRequest) async -> ChargeOutcome {
        guard !CardNumber.appears(in: request.paymentMethod), !CardNumber.appears(in: request.customer) else {
            return .misconfigured(reason: "a card number stands where Stripe's id of a card belongs")
        }
        let amount: StripeAmount
        do { amount = try StripeAmount(request.amount) } catch { return .misconfigured(reason: error.message) }
        let reply = await api.send(.post("/v1/payment_intents", form(request, amount), key: request.key))
        return ChargeOutcome(reply, asked: amount)
    }

    /// Always in this order: Stripe compares a resend's parameters with the first one's.
    private func form(_ request: ChargeRequest, _ amount: StripeAmount) -> FormEncoding {
        var form = FormEncoding([
            ("amount", "\(amount.units)"), ("currency", amount.currency), ("customer", request.customer),
            ("payment_method", request.paymentMethod), ("off_session", "true"), ("confirm", "true"),
        ])
        // Instead of whatever the account allows, some of which would need a page to return to. The older
        // `payment_method_types` is refused since 2026-09-30.
        if !minimalParameters { form.addElement("allowed_payment_method_types", "card") }
        form.add("metadata", PaymentIntent.attemptKey, request.attempt)
        form.add("metadata", "invoice", request.invoice)
        return form
    }

    public func findCharge(_ request: ChargeRequest) async -> ChargeSearch {
        let amount: StripeAmount
        do { amount = try StripeAmount(request.amount) } catch { return .unavailable(reason: error.message) }
        return await ChargeFinder(api: api, request: request, amount: amount, canFilter: !minimalParameters).find()
    }
}

extension SetupOutcome {
    static let cardNumberRefused = SetupOutcome.refused(
        code: "card_number", message: "this looks like a card number; only Stripe's ids of cards are taken here")
}
