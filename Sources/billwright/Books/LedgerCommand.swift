internal import Billing
internal import BooksStore
internal import Commands
internal import JSONText
internal import Ledger
internal import Money
internal import Observability
internal import Postgres

extension Commands.Command {
    static let ledgerBalance = Commands.Command(
        "ledger balance", "Prints what each account of the ledger holds, debits less credits, by currency.",
        settings: [.database, Setting("--seller", "CODE", help: "only this seller's; everybody's if left out"), .json],
        discussion: "Status 1 if the accounts of a currency do not add up to zero.",
        run: LedgerCommand.balance)
}

private enum LedgerCommand {
    @Sendable static func balance(_ arguments: Arguments) async throws -> Int32 {
        let composition = try await Composition.connect(
            arguments.database(application: "ledger"), connections: 1, wait: .zero, log: Log(component: "ledger"))
        do {
            let status = try await balance(arguments, composition)
            await composition.close()
            return status
        } catch {
            await composition.close()
            throw error
        }
    }

    private static func balance(_ arguments: Arguments, _ composition: Composition) async throws -> Int32 {
        var seller: Seller.ID?
        if let code = arguments.text("--seller") {
            guard let found = try await BooksInspection.sellers(code, limit: 1, composition.pool).first else {
                throw UsageError("there is no seller '\(code)'")
            }
            seller = found.id
        }
        let balances = try await BooksInspection(composition.pool, composition.books).trialBalance(of: seller)
        var sums: [Currency: Money] = [:]
        for balance in balances {
            let currency = balance.amount.currency
            sums[currency] = try sums[currency, default: .zero(currency)] + balance.amount
        }
        let isBalanced = sums.values.allSatisfy(\.isZero)
        if arguments.isOn("--json") {
            let list = balances.map { balance -> JSONValue in
                [
                    "account": .string(balance.account.rawValue), "currency": .string(balance.amount.currency.code),
                    "balance": .integer(balance.amount.minorUnits),
                ]
            }
            Terminal.print(
                JSONValue.object([.init("balanced", .bool(isBalanced)), .init("accounts", .array(list))]).text())
        } else {
            TextTable(balances.map { [$0.account.rawValue, "\($0.amount)"] }).print()
            if balances.isEmpty { Terminal.print("nothing was booked") }
        }
        for (currency, sum) in sums.sorted(by: { $0.key.code < $1.key.code }) where !sum.isZero {
            Terminal.complain("the accounts in \(currency) add up to \(sum), not to zero")
        }
        return isBalanced ? 0 : 1
    }
}
