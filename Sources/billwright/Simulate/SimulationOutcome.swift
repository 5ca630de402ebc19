internal import Accounts
internal import Commands
internal import Dates
internal import JSONText
internal import Money
internal import Scenarios

/// What came of a scenario.
struct SimulationOutcome: Sendable {
    /// As they stand in the end, in the order of the file.
    let accounts: [Account]
    let result: SimulationResult

    init(_ accounts: [Account], errors: [ErrorResult], of scenario: Scenario) throws {
        self.accounts = accounts
        result = try SimulationResult(accounts, errors: errors, until: scenario.until)
    }

    /// By the rules alone, without queue and database.
    init(byTheRulesOf scenario: Scenario) throws {
        let replay = try Replay(playing: scenario)
        try self.init(replay.accounts, errors: replay.errors, of: scenario)
    }

    /// Of every invoice, by customer, how each amount on it came to be.
    func explanation() throws -> [String] {
        try accounts.flatMap { account in
            let numbers = account.invoices.map(\.number)
            return try account.invoices.flatMap { invoice in
                let title = "\(invoice.number) of \(invoice.date) for \(account.code): \(invoice.total)"
                return try [title]
                    + invoice.lines.filter { !$0.amount.isZero }.map { try $0.told(numbers) }
            }
        }
    }
}

extension InvoiceLine {
    fileprivate func told(_ numbers: [String]) throws -> String {
        let time = period.map { " from \($0.start) to \($0.end)" } ?? ""
        return "  \(kind.rawValue) \(code)\(time): \(amount.decimal), for "
            + (try explanation.sentence { numbers[$0] })
    }
}

/// How outcomes are told at the terminal.
struct Telling: Sendable {
    private let checks: Bool
    private let explains: Bool
    private let isPretty: Bool

    init(_ arguments: Arguments) {
        checks = arguments.isOn("--check")
        explains = arguments.isOn("--explain")
        isPretty = arguments.isOn("--pretty")
    }

    /// False: it has no outcome, or not what the file expects.
    func tell(_ result: Result<SimulationOutcome, any Error>, of file: ScenarioFile) -> Bool {
        do {
            let outcome = try result.get()
            if explains { for line in try outcome.explanation() { Terminal.print(line) } }
            if checks { return check(outcome, file) }
            if !explains {
                let json = outcome.result.json()
                Terminal.print(isPretty ? json.layout() : json.text())
            }
            return true
        } catch {
            Terminal.complain("\(file.name): \(error)")
            return false
        }
    }

    private func check(_ outcome: SimulationOutcome, _ file: ScenarioFile) -> Bool {
        let differences = file.scenario.expect.map {
            Expectation.differences(expected: $0, result: outcome.result.json())
        }
        for difference in differences ?? [] { Terminal.print("\(file.name): \(difference)") }
        if differences?.isEmpty ?? true {
            Terminal.print("\(file.name): " + (differences == nil ? "expects nothing" : "as expected"))
        }
        return differences?.isEmpty ?? true
    }
}
