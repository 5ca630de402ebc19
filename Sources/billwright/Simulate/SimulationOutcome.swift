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
    /// Whether each is judged, and not only told.
    let judges: Bool
    private let isRandom: Bool
    private let explains: Bool
    private let isPretty: Bool

    init(_ arguments: Arguments) {
        isRandom = arguments.text("--random") != nil
        judges = isRandom || arguments.isOn("--check")
        explains = arguments.isOn("--explain")
        isPretty = arguments.isOn("--pretty")
    }

    /// False: it has no outcome, or not the one that it must have.
    func tell(_ result: Result<SimulationOutcome, any Error>, of file: ScenarioFile) -> Bool {
        do {
            let outcome = try result.get()
            if explains { for line in try outcome.explanation() { Terminal.print(line) } }
            if judges { return try judge(outcome, file) }
            if !explains {
                let json = outcome.result.json()
                Terminal.print(isPretty ? json.indented() : json.text())
            }
            return true
        } catch {
            Terminal.complain("\(file.name): \(error)")
            return false
        }
    }

    private func judge(_ outcome: SimulationOutcome, _ file: ScenarioFile) throws -> Bool {
        guard let expected = try isRandom ? byTheRules(file.scenario) : file.scenario.expect else {
            Terminal.print("\(file.name): expects nothing")
            return true
        }
        let differences = Expectation.differences(expected: expected, result: outcome.result.json())
        for difference in differences { Terminal.print("\(file.name): \(difference)") }
        if differences.isEmpty { Terminal.print("\(file.name): as expected") }
        return differences.isEmpty
    }

    /// What nobody wrote down for a random history.
    private func byTheRules(_ scenario: Scenario) throws -> JSONNode {
        try JSONNode(parsing: Array(SimulationOutcome(byTheRulesOf: scenario).result.json().text().utf8))
    }
}
