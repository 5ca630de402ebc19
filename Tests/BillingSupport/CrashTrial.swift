public import Billing
public import BillingPorts
internal import Dates
public import JobKit
internal import Postgres
public import Testing

/// One run of a story that may die on its way, on the books of a seller of its own.
public struct CrashTrial: Sendable {
    public let fixture: BillingFixture
    public let seller: SampleSeller
    let crash: CrashPoint

    /// The counterpart, reached by a process that may die.
    public func reaching(_ gateway: any PaymentGateway) -> any PaymentGateway { CrashingGateway(gateway, crash) }
    public func reachingPages(
        of gateway: any PaymentGateway & HostedPages
    ) -> any PaymentGateway & HostedPages { CrashingPages(gateway, crash) }
    public func reaching(_ mailer: any Mailer) -> any Mailer { CrashingMailer(mailer, crash) }

    /// Whether the process is still alive after a call of that name, for counterparts of a test's own.
    public func survives(_ call: String) -> Bool { crash.survives(call) }

    /// Runs what comes due within a day, dying where this trial dies.
    @discardableResult
    public func drain(
        @JobRegistryBuilder<any BillingWork> _ handlers: () -> [JobRegistration<any BillingWork>]
    ) async throws -> Drained {
        try await fixture.drain(
            from: fixture.start, until: fixture.start + .seconds(86_400), crash: crash, handlers)
    }

    /// What the customers have been told, by template, in the order of the alphabet.
    public var templates: [String] {
        get async throws {
            try await fixture.query("SELECT template FROM books.mails ORDER BY 1", of: seller.id).decode(String.self)
        }
    }

    /// Where it died, for a failing test.
    public var comment: Comment { "died \(crash.struckAt.joined(separator: ", then "))" }
    /// The calls it died at, in order.
    public var deaths: [String] { crash.struckAt }
}

extension BillingFixture {
    /// Plays `story` undisturbed, then again and again, dying after its first call, its second, … until one is played to
    /// its end without dying. Each must leave the books as the undisturbed one did. `times`: how often each dies.
    ///
    /// A loop and no table: how many calls there are is what the runs find out. `atLeast` of them keep a story that does
    /// nothing from passing. `comparing`: false for what a death may rightly leave otherwise; `comparingJobs`: the number of
    /// jobs, too, is the same whoever dies when.
    public func dieAfterEachCall(
        times: Int = 1, atLeast expected: Int, customers: [SampleCustomer],
        numbering: InvoiceNumbering.Scheme = .customer, comparing: Bool = true, comparingJobs: Bool = true,
        _ story: (CrashTrial) async throws -> Void
    ) async throws {
        func played(_ crash: CrashPoint, as name: String) async throws -> BooksSnapshot {
            let seller = try await load(customers, seller: name, numbering: numbering)
            let trial = CrashTrial(fixture: self, seller: seller, crash: crash)
            try await story(trial)
            try await expectBalancedBooks(of: trial.seller.id, trial.comment)
            let books = try await BooksSnapshot.read(trial.seller.id, pool)
            return comparingJobs ? books : books.withoutJobs
        }
        let undisturbed = try await played(CrashPoint.never, as: "undisturbed")
        var call = 1
        while true {
            let crash = CrashPoint(at: call, times: times)
            let books = try await played(crash, as: "dead-\(call)")
            guard !crash.struckAt.isEmpty else { break }
            let differences = books.differences(from: undisturbed)
            #expect(
                differences.isEmpty || !comparing,
                "died at call \(call), \(crash.struckAt.joined(separator: ", then "))")
            call += 1
        }
        #expect(call > expected, "only \(call - 1) calls were there to die after")
    }
}
