extension StripeCall {
    /// A page of objects, newest first, as `limit`, `starting_after`, `ending_before` and `created` say.
    /// `ids` are the candidates, oldest first.
    func list<Record: StripeRecord>(
        _ type: Record.Type, of ids: [String]? = nil, where isWanted: (Record) -> Bool = { _ in true },
        render: (Record) -> JSON
    ) throws(StripeError) -> JSON {
        let limit = form.integer("limit") ?? 10
        guard (1...100).contains(limit) else {
            throw .invalid("This value must be between 1 and 100 (inclusive).", param: "limit")
        }
        var ids = (ids ?? books[keyPath: Record.table].ids)[...]
        if let after = form.text("starting_after") {
            ids = ids[..<(try position(of: after, in: ids, type, "starting_after"))]
        }
        let before = form.text("ending_before")
        if let before { ids = ids[(try position(of: before, in: ids, type, "ending_before") + 1)...] }
        // Towards the newest from the object it ends before, else from the newest backwards; one more tells of more.
        let candidates = before == nil ? Array(ids.reversed()) : Array(ids)
        var found: [Record] = []
        for id in candidates {
            guard let record = find(id, type), isWanted(record), form.isCreated(record.created) else { continue }
            found.append(record)
            if found.count > limit { break }
        }
        let page = before == nil ? Array(found.prefix(limit)) : found.prefix(limit).reversed()
        return [
            "object": "list", "data": .array(page.map(render)), "has_more": .bool(found.count > limit),
            "url": .string(path["url"] ?? ""),
        ]
    }

    private func position<Record: StripeRecord>(
        of id: String, in ids: ArraySlice<String>, _ type: Record.Type, _ param: String
    ) throws(StripeError) -> Int {
        guard let index = ids.lastIndex(of: id) else { throw .missing(Record.kind.name, id, param: param) }
        return index
    }

    /// The answer with each id that `expand[]` names replaced by its object.
    func expanded(_ answer: JSON) throws(StripeError) -> JSON {
        var answer = answer
        for path in form.texts("expand") {
            let names = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            answer = try expand(names[...], in: answer, path)
        }
        return answer
    }

    private func expand(_ names: ArraySlice<String>, in value: JSON, _ path: String) throws(StripeError) -> JSON {
        guard let name = names.first else {
            guard case .string(let id) = value else { return value }
            return render(id: id) ?? value
        }
        if case .array(let elements) = value {
            var expanded: [JSON] = []
            for element in elements { expanded.append(try expand(names, in: element, path)) }
            return .array(expanded)
        }
        if value == .null { return value }
        guard let member = value[name], Self.isExpandable(name) else {
            throw .invalid("This property cannot be expanded (\(path)).", param: "expand")
        }
        return value.replacing(name, with: try expand(names.dropFirst(), in: member, path))
    }

    private static func isExpandable(_ name: String) -> Bool {
        [
            "data", "latest_charge", "setup_intent", "customer", "payment_method", "payment_intent", "charge",
            "invoice_settings",
            "default_payment_method",
        ].contains(name)
    }

    private func render(id: String) -> JSON? {
        switch id.prefix(while: { $0 != "_" }) {
        case "cus": find(id, StripeCustomer.self).map(render)
        case "pm": find(id, StripePaymentMethod.self).map(render)
        case "pi": find(id, StripePaymentIntent.self).map(render)
        case "ch": find(id, StripeCharge.self).map(render)
        case "seti": find(id, StripeSetupIntent.self).map(render)
        default: nil
        }
    }
}
