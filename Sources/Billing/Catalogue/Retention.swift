package import JSONText

/// What a seller asks of customers who go, and what it does to keep them or to have them back. Nothing unless it is set.
public struct Retention: Hashable, Sendable {
    /// The codes of reasons from which a cancellation names one; empty: any code will do.
    public var reasons: [String]
    /// The code of the coupon for whoever has cancelled and stays after all; a plan may have one of its own.
    public var offer: String?
    public var winBack: WinBack?

    /// One mail to a customer who has nothing any more.
    public struct WinBack: Hashable, Sendable {
        /// After the end; 1 to 3660.
        public let days: Int
        /// The code of the coupon that it tells of.
        public let coupon: String?

        public init(days: Int, coupon: String? = nil) {
            self.days = days
            self.coupon = coupon
        }
    }

    public init(reasons: [String] = [], offer: String? = nil, winBack: WinBack? = nil) {
        self.reasons = reasons
        self.offer = offer
        self.winBack = winBack
    }
}

/// How many days before something ends its customer is told; 0: not at all.
public struct Reminders: Hashable, Sendable {
    /// Of the end of a trial.
    public var trialDays: Int
    /// Of the end of a contract's term, whether it renews or not.
    public var termDays: Int

    public init(trialDays: Int = 3, termDays: Int = 30) {
        self.trialDays = trialDays
        self.termDays = termDays
    }
}

extension Retention {
    /// Reads `{reasons? offer? win_back?: {days coupon?}}`. What is wrong with it is added to the reader's faults.
    package static func reading(_ node: JSONNode, _ fields: inout FieldReader) -> Retention {
        fields.check(node, keys: ["reasons", "offer", "win_back"])
        var retention = Retention(offer: fields.optional(node, "offer", Field.code))
        for reason in fields.list(node, "reasons") {
            guard let code = fields.faults.collect({ () throws(JSONFault) in try Field.code(reason) }) else { continue }
            if retention.reasons.contains(code) { fields.faults.add(reason.fault("reason \"\(code)\" stands twice")) }
            retention.reasons.append(code)
        }
        if let node = fields.node(node, "win_back") {
            fields.check(node, keys: ["days", "coupon"])
            let days = fields.required(node, "days", Field.integer(1...3660))
            let coupon = fields.optional(node, "coupon", Field.code)
            retention.winBack = days.map { WinBack(days: $0, coupon: coupon) }
        }
        return retention
    }

    /// As a catalogue writes it; `nil` if nothing is set.
    package var json: JSONValue? {
        if self == Retention() { return nil }
        return .present([
            "reasons": reasons.isEmpty ? nil : .array(reasons.map { .string($0) }), "offer": offer.map { .string($0) },
            "win_back": winBack.map {
                .present(["days": .integer(Int64($0.days)), "coupon": $0.coupon.map { .string($0) }])
            },
        ])
    }
}

extension Reminders {
    /// Reads `{trial_days=3 term_days=30}`. What is wrong with it is added to the reader's faults.
    package static func reading(_ node: JSONNode, _ fields: inout FieldReader) -> Reminders {
        fields.check(node, keys: ["trial_days", "term_days"])
        var reminders = Reminders()
        if let days = fields.optional(node, "trial_days", Field.integer(0...365)) { reminders.trialDays = days }
        if let days = fields.optional(node, "term_days", Field.integer(0...365)) { reminders.termDays = days }
        return reminders
    }

    /// As a catalogue writes it.
    package var json: JSONValue {
        ["trial_days": .integer(Int64(trialDays)), "term_days": .integer(Int64(termDays))]
    }
}
