internal import Bench
internal import Commands
internal import Dates
internal import JSONText
internal import Runtime
internal import Scenarios

extension Commands.Command {
    static let benchSimulate = Commands.Command(
        "bench simulate", "Measures the simulator: months of customers a second.",
        settings: [
            Setting("--customers", "N", default: "100", help: "each with a monthly plan, charged by card"),
            Setting("--months", "M", default: "12", help: "that each of them is billed"),
            Setting("--workers", "W", default: "1", help: "as of `simulate`"),
            Setting("--runs", "N", default: "3", help: "the median is told"), .json,
        ],
        discussion: """
            Works on a private Postgres and prints one line a figure. A run whose result is not what the rules alone say
            ends with status 1 and is no measurement. Use a release build.
            """,
        run: SimulateBench.run)
}

private enum SimulateBench {
    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        let customers = try arguments.integer("--customers", in: 1...100_000)
        let months = try arguments.integer("--months", in: 1...600)
        let workers = try arguments.integer("--workers", in: 1...64)
        let runs = try arguments.integer("--runs", in: 1...99)
        let text = scenario(customers: customers, months: months).text()
        let scenario = try Scenario.read(Array(text.utf8), name: "bench")
        let expected = try SimulationOutcome(byTheRulesOf: scenario).result
        guard expected.invoices.count == customers * months, expected.invoices.allSatisfy({ $0.status == "paid" })
        else {
            throw SimulationFault(description: "the bench's own scenario does not bill each customer each month")
        }
        let drain = Drain()
        let signals = Signals(drain)
        defer { signals.cancel() }
        let report = try await drain.unlessStopped {
            var report = SpeedReport()
            let began = ContinuousClock.now
            try await SimulationServer.lend(on: nil) { server in
                report.add("start_s", began.duration(to: .now) / .seconds(1))
                for _ in 1...runs {
                    let start = ContinuousClock.now
                    let result = try await server.play(scenario, workers: workers).result
                    let seconds = start.duration(to: .now) / .seconds(1)
                    guard result == expected else {
                        throw SimulationFault(description: "the real system's result is not that of the rules")
                    }
                    report.add("customer_months_per_s", Double(customers * months) / seconds)
                }
            }
            return report
        }
        guard let report else { return 1 }
        if arguments.isOn("--json") {
            Terminal.print(report.json)
        } else {
            for line in report.lines { Terminal.print(line) }
        }
        return 0
    }

    /// Customers who begin one after the other over four weeks, as days of a month allow.
    private static func scenario(customers: Int, months: Int) -> JSONValue {
        let ids = (0..<customers).map { "c\($0)" }
        let places = ids.indices.sorted { ($0 % 28, $0) < ($1 % 28, $1) }
        return [
            "scenario": "Everybody is billed every month and pays by card.",
            "catalog": [
                "plans": [
                    [
                        "code": "monthly", "interval": "month",
                        "prices": [["code": "base", "model": "flat", "amount": "29.00"]],
                    ]
                ]
            ],
            "customers": .array(
                ids.map {
                    ["id": .string($0), "email": .string("\($0)@example.com"), "payment": ["method": "card"]]
                }),
            "timeline": .array(
                places.map {
                    [
                        "at": .text(start.adding(days: $0 % 28)), "do": "subscribe",
                        "id": .string("s\($0)"), "customer": .string(ids[$0]), "plan": "monthly",
                    ]
                }),
            // On the day after it the first are billed once more.
            "until": .text(start.adding(months: months).adding(days: -1)),
        ]
    }

    /// The first of January 2026.
    private static let start = LocalDate(daysSinceEpoch: 20_454)
}
