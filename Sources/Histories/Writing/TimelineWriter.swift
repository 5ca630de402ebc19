internal import Dates
internal import JSONText

extension HistoryWriter {
    /// Days on which something is about to go wrong: ends of months, leap days, and clocks put on or back.
    private static let edges = [
        "2027-01-31", "2027-02-28", "2027-03-01", "2027-03-14", "2027-03-28", "2027-03-31", "2027-04-04", "2027-04-30",
        "2027-05-31", "2027-10-03", "2027-10-31", "2027-11-07", "2027-12-31", "2028-01-29", "2028-01-31", "2028-02-28",
        "2028-02-29", "2028-03-01", "2028-03-12", "2028-03-31",
    ]

    mutating func timeline() -> (JSONValue, until: JSONValue) {
        today = dice.chance(60) ? edge(from: 0) : date("2027-01-01").adding(days: dice.number(0...400))
        var operations: [JSONValue] = []
        for customer in customers { operations.append(at(subscribe(customer))) }
        for _ in 0..<dice.number(3...18) {
            advance()
            operations.append(at(operation()))
        }
        if dice.chance(50) { advance() }
        let until = today.adding(days: dice.pick([0, 1, 31, 40, 100]))
        // A date is its first moment, which may lie before what happened on it.
        return (.array(operations), .string("\(until.adding(days: 2))"))
    }

    private func date(_ text: String) -> LocalDate {
        guard let date = try? LocalDate(parsing: text) else { preconditionFailure("\(text) is no date") }
        return date
    }

    private mutating func edge(from place: Int) -> LocalDate { date(dice.pick(Array(Self.edges[place...]))) }

    private mutating func advance() {
        switch dice.number(0...9) {
        case 0...2: break
        case 3...5: today = today.adding(days: dice.number(1...10))
        case 6, 7: today = today.adding(days: dice.number(10...45))
        case 8:
            let edges = Self.edges.map { date($0) }.filter { $0 > today }
            if let next = edges.first { today = next }
        default: today = today.adding(days: 1).adding(months: 1, anchorDay: 1)
        }
    }

    /// The operation with its time put before all else. Times of one day may go backwards; the reader sorts them.
    private mutating func at(_ operation: [JSONValue.Member]) -> JSONValue {
        let time = dice.pick(weighed: [
            (6, ""), (2, "T00:00:00Z"), (3, "T09:30:00Z"), (1, "T23:59:59Z"), (1, "T02:30:00-05:00"),
            (1, "T17:00:00.5Z"),
        ])
        return .object([.init("at", .string("\(today)\(time)"))] + operation)
    }
}
