internal import Dates
internal import JSONText
public import Money

/// One difference between two catalogues.
public struct CatalogueChange: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable { case added, removed, changed }

    public enum Subject: Hashable, Sendable {
        case seller
        case metric(String)
        case plan(String)
        /// A version of a plan's price, by the date from which it is sold; from ever if `nil`.
        case price(String, plan: String, from: String?)
        case coupon(String)
    }

    /// One key of what a catalogue writes of the subject, as JSON; `nil` where it is absent.
    public struct Field: Hashable, Sendable {
        public let key: String
        public let old: String?
        public let new: String?

        public init(key: String, old: String?, new: String?) {
            self.key = key
            self.old = old
            self.new = new
        }
    }

    public let kind: Kind
    public let subject: Subject
    /// Of a changed one, in the order of the keys; empty for others.
    public let fields: [Field]

    public init(kind: Kind, subject: Subject, fields: [Field]) {
        self.kind = kind
        self.subject = subject
        self.fields = fields
    }
}

extension Catalogue {
    /// What makes this catalogue into `new`, in the order of the new one; what is gone comes last within its kind. Prices
    /// of plans that are new or gone are not listed singly. Throws as `json()` does.
    public func changes(to new: Catalogue) throws(MoneyFault) -> [CatalogueChange] {
        var changes = compare(
            seller.map { [Entry.seller($0)] } ?? [], new.seller.map { [Entry.seller($0)] } ?? [])
        changes += compare(
            metrics.map { Entry(.metric($0.code), $0.json) }, new.metrics.map { Entry(.metric($0.code), $0.json) })
        changes += compare(try plans.map(Entry.plan), try new.plans.map(Entry.plan))
        for plan in new.plans {
            guard let old = self[plan: plan.code] else { continue }
            changes += compare(try Entry.prices(of: old), try Entry.prices(of: plan))
        }
        changes += compare(try coupons.map(Entry.coupon), try new.coupons.map(Entry.coupon))
        return changes
    }
}

/// Something of a catalogue with what is written of it.
private struct Entry {
    let subject: CatalogueChange.Subject
    let members: [String: String]

    init(_ subject: CatalogueChange.Subject, _ json: JSONValue, without key: String? = nil) {
        self.subject = subject
        guard case .object(let list) = json else { preconditionFailure("\(subject) is written as an object") }
        let members = list.filter { $0.key != key }.map { ($0.key, $0.value.text()) }
        self.members = Dictionary(members) { first, _ in first }
    }

    private init(_ subject: CatalogueChange.Subject, members: [String: String]) {
        self.subject = subject
        self.members = members
    }

    /// Its looks key by key: as one text, a logo would hide what has changed beside it.
    static func seller(_ seller: Seller) -> Entry {
        let rest = Entry(.seller, seller.json, without: "branding")
        guard let branding = seller.branding else { return rest }
        let looks = Entry(.seller, branding.json).members.map { ("branding.\($0.key)", $0.value) }
        return Entry(.seller, members: rest.members.merging(looks) { first, _ in first })
    }

    /// Without its prices, which are compared one by one.
    static func plan(_ plan: Plan) throws(MoneyFault) -> Entry {
        Entry(.plan(plan.code), try plan.json(), without: "prices")
    }

    static func prices(of plan: Plan) throws(MoneyFault) -> [Entry] {
        try plan.prices.map { (price) throws(MoneyFault) in
            Entry(
                .price(price.code, plan: plan.code, from: price.effectiveFrom?.description),
                try price.json(in: plan.currency))
        }
    }

    static func coupon(_ coupon: Coupon) throws(MoneyFault) -> Entry { Entry(.coupon(coupon.code), try coupon.json()) }
}

private func compare(_ old: [Entry], _ new: [Entry]) -> [CatalogueChange] {
    let before = Dictionary(old.map { ($0.subject, $0.members) }) { first, _ in first }
    var changes: [CatalogueChange] = []
    for entry in new {
        guard let members = before[entry.subject] else {
            changes.append(CatalogueChange(kind: .added, subject: entry.subject, fields: []))
            continue
        }
        let keys = Set(members.keys).union(entry.members.keys).filter { members[$0] != entry.members[$0] }
        if keys.isEmpty { continue }
        let fields = keys.sorted().map { CatalogueChange.Field(key: $0, old: members[$0], new: entry.members[$0]) }
        changes.append(CatalogueChange(kind: .changed, subject: entry.subject, fields: fields))
    }
    let kept = Set(new.map(\.subject))
    changes += old.filter { !kept.contains($0.subject) }
        .map { CatalogueChange(kind: .removed, subject: $0.subject, fields: []) }
    return changes
}
