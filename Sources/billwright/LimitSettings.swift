internal import BillingPorts
internal import Commands
internal import JobKit
internal import Money

extension Setting {
    static let breakers = Setting(
        "--breakers", "LIST", variable: "BILLWRIGHT_BREAKERS",
        help: """
            when kinds are stopped, in place of what they say themselves: \
            'collect_payments in=10m failed=50%/100 unknown=20 USD=50000.00; send_mail off'
            """)
    static let rates = Setting(
        "--rates", "LIST", variable: "BILLWRIGHT_RATES",
        help: "how often gateways may be called by all workers together: 'payments=80/s+20; mail=600/m+50'")
    static let limits = [breakers, rates]
}

// What `--breakers` and `--rates` say. A mistake in them is a start that fails, never a limit that is not there.
extension Arguments {
    /// Limits by kind; those not stated are the kinds' own. Only kinds in `known`.
    func breakers(for known: [JobKind]) throws(UsageError) -> [JobKind: Breaker] {
        var breakers: [JobKind: Breaker] = [:]
        for entry in entries("--breakers") {
            let words = entry.split(separator: " ").map(String.init)
            let kind = JobKind(words[0])
            guard known.contains(kind) else { throw fault("--breakers", words[0], "a kind this worker runs") }
            guard breakers[kind] == nil else { throw fault("--breakers", words[0], "stated once") }
            breakers[kind] = try breaker(Array(words.dropFirst()), entry)
        }
        return breakers
    }

    private func breaker(_ words: [String], _ entry: String) throws(UsageError) -> Breaker {
        if words == ["off"] { return .off }
        var (window, percent, sample, unknown) = (Duration.seconds(600), Int?.none, 20, Int?.none)
        var amounts: [String: Int64] = [:]
        let wanted = fault(
            "--breakers", entry, "KIND and 'off', or limits such as in=10m failed=50%/100 unknown=20 USD=50000.00")
        guard !words.isEmpty else { throw wanted }
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw wanted }
            switch parts[0] {
            case "in":
                guard let time = Duration(parsing: parts[1]), time >= .seconds(1) else { throw wanted }
                window = time
            case "failed":
                let share = parts[1].split(separator: "/").map(String.init)
                guard share.count <= 2, share[0].hasSuffix("%"), let number = Int(share[0].dropLast()),
                    (1...100).contains(number), let least = Int(share.count == 2 ? share[1] : "20"), least >= 1
                else { throw wanted }
                (percent, sample) = (number, least)
            case "unknown":
                guard let number = Int(parts[1]), number >= 1 else { throw wanted }
                unknown = number
            default:
                guard let currency = try? Currency(code: parts[0]), let most = try? Money(parsing: parts[1], currency),
                    !most.isNegative
                else { throw wanted }
                amounts[currency.code] = most.minorUnits
            }
        }
        return Breaker(
            window: window, failedPercent: percent, sample: sample, unknownOutcomes: unknown, amounts: amounts)
    }

    /// By gateway, of those in `known`, each with the most calls that one attempt takes of it: what cannot be saved up is
    /// never there.
    func rates(for known: [String: Int]) throws(UsageError) -> [String: CallRate] {
        var rates: [String: CallRate] = [:]
        for entry in entries("--rates") {
            let parts = entry.split(separator: "=").map(String.init)
            guard parts.count == 2, rates[parts[0]] == nil, let rate = CallRate(parsing: parts[1]) else {
                throw fault("--rates", entry, "GATEWAY=CALLS/s+BURST, /m or /h, or GATEWAY=off, once a gateway")
            }
            guard let calls = known[parts[0]] else {
                throw fault("--rates", parts[0], "a gateway: \(known.keys.sorted().joined(separator: ", "))")
            }
            guard rate.burst >= calls else {
                throw fault(
                    "--rates", entry, "a burst of at least \(calls), the calls of one job: \(parts[0])=…+\(calls)")
            }
            rates[parts[0]] = rate
        }
        return rates
    }

    private func entries(_ flag: String) -> [String] {
        (text(flag) ?? "").split(separator: ";").map { $0.split(separator: " ").joined(separator: " ") }
            .filter { !$0.isEmpty }
    }
}

extension CallRate {
    fileprivate init?(parsing text: String) {
        if text == "off" {
            // The row stays, so that all workers know of it: faster than we can claim.
            self.init(calls: 1_000_000, per: .seconds(1), burst: 1_000_000)
            return
        }
        let parts = text.split(separator: "+").map(String.init)
        guard parts.count == 2, let burst = Int(parts[1]), (1...1_000_000).contains(burst) else { return nil }
        let rate = parts[0].split(separator: "/").map(String.init)
        guard rate.count == 2, let calls = Int(rate[0]), (1...1_000_000).contains(calls) else { return nil }
        let times: [String: Duration] = ["s": .seconds(1), "m": .seconds(60), "h": .seconds(3600)]
        guard let per = times[rate[1]] else { return nil }
        self.init(calls: calls, per: per, burst: burst)
    }
}
