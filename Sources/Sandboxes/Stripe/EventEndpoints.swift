extension StripeEndpoint {
    static let events: [StripeEndpoint] = [
        StripeEndpoint("GET", "/v1/events/{id}", ["expand": .texts]) { (call: inout StripeCall) throws(StripeError) in
            .written(try call.subject(StripeEvent.self).text(pendingWebhooks: 0))
        },
        StripeEndpoint(
            "GET", "/v1/events", .page + ["type": .text, "types": .texts, "delivery_success": .boolean]
        ) { (call: inout StripeCall) throws(StripeError) in
            let types = call.form.texts("types") + [call.form.text("type")].compactMap(\.self)
            return try call.list(StripeEvent.self, where: { types.isEmpty || types.contains($0.type) }) {
                .written($0.text(pendingWebhooks: 0))
            }
        },
    ]
}
