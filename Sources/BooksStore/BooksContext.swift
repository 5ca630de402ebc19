internal import Accounts
internal import Billing
public import BillingPorts
internal import Dates
internal import Synchronization

/// What all transactions of a process share: the host's time zones, and what never changes once it is in the books.
public final class BooksContext: Sendable {
    let zones: any TimeZones
    let accounts = KeptAccounts()
    private let kept = Mutex(Kept())

    private struct Kept {
        var catalogues: [CatalogueKey: Catalogue] = [:]
        var plans: [SoldPlanKey: Plan] = [:]
        var planIDs: [Seller.ID: [Plan: Int64]] = [:]
    }

    private struct CatalogueKey: Hashable {
        let seller: Seller.ID
        let revision: Int
    }

    private struct SoldPlanKey: Hashable {
        let seller: Seller.ID
        let id: Int64
    }

    /// Enough for every seller at work, little enough to hold. When it is full it is emptied, and what is in use comes
    /// back with the next reads.
    private static let (catalogueLimit, planLimit) = (64, 4096)

    public init(zones: any TimeZones) { self.zones = zones }

    func catalogue(_ revision: Int, of seller: Seller.ID) -> Catalogue? {
        kept.withLock { $0.catalogues[CatalogueKey(seller: seller, revision: revision)] }
    }

    func keep(_ catalogue: Catalogue, _ revision: Int, of seller: Seller.ID) {
        kept.withLock { kept in
            if kept.catalogues.count >= BooksContext.catalogueLimit { kept.catalogues = [:] }
            kept.catalogues[CatalogueKey(seller: seller, revision: revision)] = catalogue
        }
    }

    func plan(_ id: Int64, of seller: Seller.ID) -> Plan? {
        kept.withLock { $0.plans[SoldPlanKey(seller: seller, id: id)] }
    }

    func id(of plan: Plan, of seller: Seller.ID) -> Int64? { kept.withLock { $0.planIDs[seller]?[plan] } }

    /// Only what is committed: a roll-back would take the id away again.
    func keep(_ plan: Plan, _ id: Int64, of seller: Seller.ID) {
        kept.withLock { kept in
            if kept.plans.count >= BooksContext.planLimit { (kept.plans, kept.planIDs) = ([:], [:]) }
            kept.plans[SoldPlanKey(seller: seller, id: id)] = plan
            kept.planIDs[seller, default: [:]][plan] = id
        }
    }
}
