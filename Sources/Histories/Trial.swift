internal import Accounts
internal import Dates
internal import JSONText
internal import Scenarios

/// Plays a history and looks for a promise that it breaks: while it plays, and against histories that must end the same.
struct Trial {
    /// Whether a history is also held against others.
    var compares = true
    let zones: (String) -> TimeZoneRules?

    func violation(of history: JSONValue) -> Violation? {
        do {
            let scenario = try read(history)
            var watch = Watch(scenario)
            let replay = try Replay(playing: scenario) { replay, event in try watch.saw(replay, event) }
            let result = try SimulationResult(replay.accounts, errors: replay.errors, until: scenario.until)
            try checkMovements(result)
            for variant in compares ? history.variants(of: scenario) : [] {
                let (mine, other) = try (
                    variant.base.map { try self.result(of: $0) } ?? result, self.result(of: variant.history)
                )
                let (left, right) = (variant.view(mine), variant.view(other))
                if let difference = Self.difference(left, right) {
                    return Violation(promise: variant.promise, found: difference, at: nil)
                }
            }
            return nil
        } catch let violation as Violation {
            return violation
        } catch let faults as ScenarioFaults {
            return Violation(promise: "a random history can be read", found: faults.description, at: nil)
        } catch {
            return Violation(promise: "the rules never contradict themselves", found: "\(error)", at: nil)
        }
    }

    /// Throws `ScenarioFaults`.
    func read(_ history: JSONValue) throws -> Scenario {
        try Scenario.read(Array(history.layout().utf8), name: "history", zones: zones, shippedCatalogue: { _ in nil })
    }

    private func result(of history: JSONValue) throws -> SimulationResult {
        let scenario = try read(history)
        let replay = try Replay(playing: scenario)
        return try SimulationResult(replay.accounts, errors: replay.errors, until: scenario.until)
    }

    private func checkMovements(_ result: SimulationResult) throws {
        var total: Int64 = 0
        for (month, moved) in result.mrr.sorted(by: { $0.key < $1.key }) {
            total += moved.new + moved.expansion + moved.contraction + moved.churn + moved.reactivation
            if total != moved.total {
                throw Violation(
                    promise: "movements come to the change of recurring revenue",
                    found: "\(month): \(total), not \(moved.total)", at: nil)
            }
        }
    }

    private static func difference(_ left: SimulationResult, _ right: SimulationResult) -> String? {
        guard left != right else { return nil }
        guard case .object(let mine) = left.json(), case .object(let other) = right.json() else { return "" }
        let parts = zip(mine, other).filter { $0 != $1 }
        return parts.map { "\($0.key): \($0.value.text()) instead of \($1.value.text())" }.joined(separator: "\n")
    }
}
