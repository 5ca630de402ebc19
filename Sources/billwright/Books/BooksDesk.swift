internal import Accounts
internal import Billing
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import FoundationEssentials
internal import JSONText
internal import JobKit
internal import Observability
internal import Postgres
internal import Processes
internal import QueueStore
internal import Runtime

/// One seller's books as commands reach them: looked at without locks, changed by operations alone.
struct BooksDesk: Sendable {
    let composition: Composition
    let seller: BooksInspection.SellerFacts
    /// Business time, by the database's clock.
    let now: Instant

    var inspection: BooksInspection { BooksInspection(composition.pool, composition.books) }

    /// Lends the books of the seller that the flags name. A refused operation is told as its code and message, with
    /// status 1.
    static func run(
        _ arguments: Arguments, as name: String, _ body: (BooksDesk) async throws -> Int32
    ) async throws -> Int32 {
        let composition = try await Composition.connect(
            arguments.database(application: name), connections: 2, wait: .zero, log: Log(component: name))
        do {
            let seller = try await seller(arguments, composition.pool)
            let status = try await body(
                BooksDesk(composition: composition, seller: seller, now: composition.clock.now()))
            await composition.close()
            return status
        } catch let fault as OperationFault {
            await composition.close()
            if arguments.isOn("--json") {
                let error: JSONValue = ["code": .string(fault.code.rawValue), "message": .string(fault.message)]
                Terminal.print(JSONValue.object([.init("error", error)]).text())
            }
            Terminal.complain("\(fault)")
            return 1
        } catch {
            await composition.close()
            throw error
        }
    }

    private static func seller(_ arguments: Arguments, _ pool: PostgresPool) async throws -> BooksInspection.SellerFacts
    {
        let code = arguments.text("--seller")
        let found = try await BooksInspection.sellers(code, limit: 11, pool)
        if found.count == 1 { return found[0] }
        if let code { throw UsageError("there is no seller '\(code)'") }
        guard !found.isEmpty else { throw UsageError("there is no seller yet: billwright catalog load FILE") }
        throw UsageError("--seller must be one of \(found.map(\.code).joined(separator: ", "))")
    }

    /// Throws `not_found`.
    func customer(_ code: String) async throws -> OpenAccount {
        guard let open = try await inspection.account(code, of: seller.id) else {
            throw OperationFault(.notFound, "there is no customer \(code)")
        }
        return open
    }

    /// Whose subscription that is. Throws `not_found`.
    func owner(ofSubscription code: String) async throws -> OpenAccount {
        guard let key = try await inspection.owner(ofSubscription: code, of: seller.id),
            let open = try await inspection.accounts([key]).first
        else { throw OperationFault(.notFound, "there is no subscription \(code)") }
        return open
    }

    /// Whose invoice that is, with its place. Throws `not_found`.
    func owner(ofInvoice number: String) async throws -> (open: OpenAccount, place: Int) {
        guard let found = try await inspection.invoice(number, of: seller.id),
            let open = try await inspection.accounts([found.customer]).first
        else { throw OperationFault(.notFound, "there is no invoice \(number)") }
        return (open, found.invoice.ordinal)
    }

    /// Does an operation and whatever follows at once; the rest is enqueued with it.
    func perform(
        _ operation: Accounts.Operation, for customer: CustomerKey, by person: String, because reason: String
    ) async throws {
        try await transaction { work in
            try await work.perform(operation, for: customer, by: person, why: reason)
        }
    }

    /// What an operation would make of an account, the invoices that were due before it and would come first, and what
    /// would be invoiced at once then. Nothing is written.
    func preview(
        _ operation: Accounts.Operation, for customer: CustomerKey
    ) async throws -> (after: Account, late: [Invoice], billing: BillingPreview) {
        try await transaction { work in
            let open = try await work.performed(operation, for: customer)
            let late = Array(open.account.invoices.dropFirst(open.before.invoices.count))
            return (open.account, late, try open.account.preview(from: now, until: now))
        }
    }

    func transaction<Value: Sendable>(_ body: (PostgresBooks) async throws -> Value) async throws -> Value {
        try await composition.booksStore.transaction(tenant: .one(seller.id.rawValue), now: now, body)
    }
}

extension BooksDesk {
    /// Lets the invoice go out for which a customer is parked, and has its held jobs look again. Returns what was parked;
    /// `nil`: only jobs were held. Throws `illegal_transition` if there is neither.
    func release(_ open: OpenAccount, by person: String, because reason: String) async throws -> Parking? {
        let held = try await heldJobs(of: open.key)
        if open.account.parking != nil || held.isEmpty {
            try await perform(.release, for: open.key, by: person, because: reason)
        }
        let operations = QueueOperations(pool: composition.pool)
        for job in held {
            _ = try await operations.act(.init(.release, by: person, because: reason), on: job.id, now: now)
        }
        return open.account.parking
    }

    private func heldJobs(of customer: CustomerKey) async throws -> [QueueInspection.Job] {
        var filter = QueueInspection.Filter()
        filter.states = ["held"]
        filter.kind = GenerateInvoices.kind.name
        filter.tenant = seller.id.rawValue
        filter.arguments = "{\"customers\":[\(customer.customer)]}"
        filter.limit = 100
        return try await QueueInspection(pool: composition.pool).list(filter)
    }
}

extension Setting {
    static let seller = Setting(
        "--seller", "CODE", variable: "BILLWRIGHT_SELLER", help: "whose books; needless where there is one seller")
    static let by = Setting("--by", "NAME", help: "who acts, kept with the act (default: $USER)")
    static let reason = Setting("--reason", "TEXT", help: "why; kept with the act")
    static let limit = Setting("--limit", "N", default: "50", help: "at most this many, up to 1000")
}

extension Arguments {
    /// Who acts: a person named, the user of the session, or whose process this is.
    var person: String {
        let user = ProcessInfo.processInfo.environment["USER"] ?? ""
        return text("--by") ?? (user.isEmpty ? SystemUser.current.name : user)
    }

    /// The one operand of a command.
    func operand(_ noun: String, of command: String) throws(UsageError) -> String {
        guard let operand = operands.first else { throw UsageError("'\(command)' needs \(noun)") }
        return operand
    }

    func date(_ flag: String) throws(UsageError) -> LocalDate? {
        guard let text = text(flag) else { return nil }
        guard let date = try? LocalDate(parsing: text) else { throw fault(flag, text, "a date, such as 2026-12-01") }
        return date
    }

    var pageLimit: Int { get throws(UsageError) { try integer("--limit", in: 1...1000) } }
}
