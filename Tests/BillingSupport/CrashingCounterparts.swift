public import BillingPorts
public import JobKit
public import Money

/// A way to a gateway on which our process may die before a call leaves, or before its answer arrives.
public struct CrashingGateway: PaymentGateway {
    private let gateway: any PaymentGateway
    private let crash: CrashPoint

    public init(_ gateway: any PaymentGateway, _ crash: CrashPoint) {
        self.gateway = gateway
        self.crash = crash
    }

    /// `dead` is what a dead process is told: it can do nothing with it any more.
    private func passing<Answer>(_ call: String, dead: Answer, _ body: () async -> Answer) async -> Answer {
        guard crash.survives("before \(call)") else { return dead }
        let answer = await body()
        return crash.survives("before the answer to \(call)") ? answer : dead
    }

    public func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        await passing("createCustomer", dead: .unavailable(reason: "dead")) {
            await gateway.createCustomer(customer, key: key)
        }
    }

    public func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        await passing("attach", dead: .unavailable(reason: "dead")) {
            await gateway.attach(token, toCustomer: reference, key: key)
        }
    }

    public func charge(_ request: ChargeRequest) async -> ChargeOutcome {
        await passing("charge", dead: .unknown(reason: "dead")) { await gateway.charge(request) }
    }

    public func findCharge(_ request: ChargeRequest) async -> ChargeSearch {
        await passing("findCharge", dead: .unavailable(reason: "dead")) { await gateway.findCharge(request) }
    }
}

/// A way to a mail server on which our process may die before a mail leaves, or before the server's reply arrives.
public struct CrashingMailer: Mailer {
    private let mailer: any Mailer
    private let crash: CrashPoint

    public init(_ mailer: any Mailer, _ crash: CrashPoint) {
        self.mailer = mailer
        self.crash = crash
    }

    public func send(_ message: MailMessage) async -> MailOutcome {
        guard crash.survives("before send") else { return .unknown(reason: "dead") }
        let outcome = await mailer.send(message)
        return crash.survives("before the reply to send") ? outcome : .unknown(reason: "dead")
    }
}

/// As `CrashingGateway`, to a gateway that has pages.
public struct CrashingPages: PaymentGateway, HostedPages {
    private let pages: any HostedPages
    private let gateway: CrashingGateway
    private let crash: CrashPoint

    public init(_ gateway: any PaymentGateway & HostedPages, _ crash: CrashPoint) {
        pages = gateway
        self.gateway = CrashingGateway(gateway, crash)
        self.crash = crash
    }

    private func passing<Answer>(_ call: String, dead: Answer, _ body: () async -> Answer) async -> Answer {
        guard crash.survives("before \(call)") else { return dead }
        let answer = await body()
        return crash.survives("before the answer to \(call)") ? answer : dead
    }

    public func openCardPage(
        customer: String?, currency: Currency, mark: String, returnTo: String, key: IdempotencyKey
    ) async -> CardPageOutcome {
        await passing("openCardPage", dead: .unavailable(reason: "dead")) {
            await pages.openCardPage(customer: customer, currency: currency, mark: mark, returnTo: returnTo, key: key)
        }
    }

    public func cardGiven(on reference: String, mark: String) async -> GivenCard {
        await passing("cardGiven", dead: .unavailable(reason: "dead")) {
            await pages.cardGiven(on: reference, mark: mark)
        }
    }

    public func chargeInPerson(_ request: ChargeRequest, returnTo: String) async -> InPersonOutcome {
        await passing("chargeInPerson", dead: .ended(.unknown(reason: "dead"))) {
            await pages.chargeInPerson(request, returnTo: returnTo)
        }
    }

    public func abandon(_ request: ChargeRequest, reference: String, key: IdempotencyKey) async -> ChargeOutcome {
        await passing("abandon", dead: .unknown(reason: "dead")) {
            await pages.abandon(request, reference: reference, key: key)
        }
    }

    public func createCustomer(_ customer: GatewayCustomer, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.createCustomer(customer, key: key)
    }

    public func attach(_ token: String, toCustomer reference: String, key: IdempotencyKey) async -> SetupOutcome {
        await gateway.attach(token, toCustomer: reference, key: key)
    }

    public func charge(_ request: ChargeRequest) async -> ChargeOutcome { await gateway.charge(request) }
    public func findCharge(_ request: ChargeRequest) async -> ChargeSearch { await gateway.findCharge(request) }
}
