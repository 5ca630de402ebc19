extension StripeEndpoint {
    static let paymentMethods: [StripeEndpoint] = [
        StripeEndpoint(
            "POST", "/v1/payment_methods",
            [
                "type": .text, "card": .map(["token": .text]), "metadata": .metadata, "expand": .texts,
                "billing_details": .map(["address": .address, "email": .text, "name": .text, "phone": .text]),
            ]
        ) { (call: inout StripeCall) throws(StripeError) in
            guard try call.form.text(required: "type") == "card" else {
                throw .invalid("This sandbox knows cards only.", param: "type")
            }
            guard let token = call.form.text("card", "token") else { throw .parameterMissing("card[token]") }
            guard token.hasPrefix("tok_"), TestCard(name: String(token.dropFirst(4))) != nil else {
                throw .missing("token", token, param: "card[token]")
            }
            var method = StripePaymentMethod(
                id: StripeCall.newID("pm"), created: call.now, card: String(token.dropFirst(4)))
            call.form.update(&method.billingEmail, "billing_details", "email")
            call.form.update(&method.billingName, "billing_details", "name")
            call.form.update(&method.billingPhone, "billing_details", "phone")
            method.billingAddress = call.form.address("billing_details", "address")
            method.metadata = call.form.metadata
            call.put(method)
            return call.render(method)
        },
        StripeEndpoint("GET", "/v1/payment_methods/{id}", ["expand": .texts]) {
            (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripePaymentMethod.self))
        },
        StripeEndpoint("POST", "/v1/payment_methods/{id}/attach", ["customer": .text, "expand": .texts]) {
            (call: inout StripeCall) throws(StripeError) in
            let customer = try call.require(try call.form.text(required: "customer"), StripeCustomer.self)
            var method = try call.usableMethod(call.path["id"] ?? "", param: "payment_method")
            guard method.customer == nil || method.customer == customer.id else {
                throw .invalid(
                    "The payment method you provided has already been attached to a customer.", param: "payment_method")
            }
            method.customer = customer.id
            call.put(method)
            call.emit("payment_method.attached", call.render(method))
            return call.render(method)
        },
        StripeEndpoint("POST", "/v1/payment_methods/{id}/detach", ["expand": .texts]) {
            (call: inout StripeCall) throws(StripeError) in
            var method = try call.subject(StripePaymentMethod.self)
            guard let owner = method.customer, var customer = call.find(owner, StripeCustomer.self) else {
                throw .invalid(
                    "The payment method you provided is not attached to a customer so detachment is impossible.",
                    param: "payment_method")
            }
            method.customer = nil
            call.put(method)
            if customer.defaultPaymentMethod == method.id {
                customer.defaultPaymentMethod = nil
                call.put(customer)
            }
            call.emit("payment_method.detached", call.render(method))
            return call.render(method)
        },
        StripeEndpoint("GET", "/v1/payment_methods", .page + ["customer": .text, "type": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let customer = try call.require(try call.form.text(required: "customer"), StripeCustomer.self)
            return try call.list(StripePaymentMethod.self, where: { $0.customer == customer.id }) { call.render($0) }
        },
    ]
}

extension StripeCall {
    /// The payment method of this id, or a new one when it is a published test method: those are templates, each use
    /// of which makes a method of its own.
    mutating func usableMethod(_ id: String, param: String) throws(StripeError) -> StripePaymentMethod {
        let template = id.hasPrefix("pm_card_") ? String(id.dropFirst("pm_card_".count)) : ""
        guard TestCard(name: template) != nil else { return try require(id, StripePaymentMethod.self, param: param) }
        let method = StripePaymentMethod(id: Self.newID("pm"), created: now, card: template)
        put(method)
        return method
    }
}
