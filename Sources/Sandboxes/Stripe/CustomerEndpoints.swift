extension StripeEndpoint {
    private static let customerFields: StripeForm.Schema = [
        "email": .text, "name": .text, "description": .text, "phone": .text, "address": .address, "metadata": .metadata,
        "invoice_settings": .map(["default_payment_method": .text]), "expand": .texts,
    ]

    static let customers: [StripeEndpoint] = [
        StripeEndpoint("POST", "/v1/customers", customerFields + ["payment_method": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            var customer = StripeCustomer(id: StripeCall.newID("cus"), created: call.now)
            if let id = call.form.text("payment_method") {
                var method = try call.usableMethod(id, param: "payment_method")
                method.customer = customer.id
                call.put(method)
            }
            try call.update(&customer)
            call.put(customer)
            call.emit("customer.created", call.render(customer))
            return call.render(customer)
        },
        StripeEndpoint("GET", "/v1/customers/{id}", ["expand": .texts]) {
            (call: inout StripeCall) throws(StripeError) in
            call.render(try call.subject(StripeCustomer.self))
        },
        StripeEndpoint("DELETE", "/v1/customers/{id}", [:]) { (call: inout StripeCall) throws(StripeError) in
            var customer = try call.subject(StripeCustomer.self)
            let last = call.render(customer)
            customer.isDeleted = true
            customer.defaultPaymentMethod = nil
            call.put(customer)
            for var method in call.books.paymentMethods.all where method.customer == customer.id {
                method.customer = nil
                call.put(method)
            }
            // The event shows it as it was.
            call.emit("customer.deleted", last)
            return call.render(customer)
        },
        StripeEndpoint("POST", "/v1/customers/{id}", customerFields) { (call: inout StripeCall) throws(StripeError) in
            var customer = try call.subject(StripeCustomer.self)
            guard customer.isDeleted != true else { throw .missing("customer", customer.id, param: "id") }
            try call.update(&customer)
            call.put(customer)
            call.emit("customer.updated", call.render(customer))
            return call.render(customer)
        },
        StripeEndpoint("GET", "/v1/customers", .page + ["email": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let email = call.form.text("email")
            return try call.list(StripeCustomer.self, where: { email == nil || $0.email == email }) { call.render($0) }
        },
        StripeEndpoint("GET", "/v1/customers/{id}/payment_methods", .page + ["type": .text]) {
            (call: inout StripeCall) throws(StripeError) in
            let call = call
            let customer = try call.subject(StripeCustomer.self)
            return try call.list(StripePaymentMethod.self, where: { $0.customer == customer.id }) { call.render($0) }
        },
    ]
}

extension StripeCall {
    fileprivate func update(_ customer: inout StripeCustomer) throws(StripeError) {
        form.update(&customer.email, "email")
        form.update(&customer.name, "name")
        form.update(&customer.description, "description")
        form.update(&customer.phone, "phone")
        form.updateMetadata(&customer.metadata)
        if let address = form.address("address") { customer.address = address }
        if let email = customer.email, !email.contains("@") {
            throw .invalid("Invalid email address: \(email)", code: "email_invalid", param: "email")
        }
        form.update(&customer.defaultPaymentMethod, "invoice_settings", "default_payment_method")
        guard let id = form.text("invoice_settings", "default_payment_method") else { return }
        let method = try require(id, StripePaymentMethod.self, param: "invoice_settings[default_payment_method]")
        guard method.customer == customer.id else {
            throw .invalid(
                "The customer does not have a payment method with the ID \(id). The payment method must be attached to "
                    + "the customer.", code: "resource_missing", param: "invoice_settings[default_payment_method]")
        }
    }
}
