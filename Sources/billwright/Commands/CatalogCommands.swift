internal import Billing
internal import Commands
internal import JSONText

extension Commands.Command {
    static let catalogCheck = Commands.Command(
        "catalog check", "Says all that is wrong with catalogue files.", operands: ["FILE..."],
        discussion: "Each fault is a line with file, line and path. Status 1 if there is any.",
        run: CatalogCommands.check)
    static let catalogShow = Commands.Command(
        "catalog show", "Shows a catalogue: plans, prices, tiers, allowances, discounts, coupons.",
        operands: ["NAME|FILE"], settings: [.json],
        discussion: "NAME is a shipped one, as `practice`. With --json it is written as a catalogue file.",
        run: CatalogCommands.show)
    static let catalogDiff = Commands.Command(
        "catalog diff", "Lists what is added, removed or changed from catalogue A to B.", operands: ["A", "B"],
        settings: [.json],
        discussion: "A and B are files or names of shipped ones. Status 1 if they differ, as of diff(1).",
        run: CatalogCommands.diff)
}

extension Arguments {
    /// The operands, of which there must be `count`.
    func catalogueNames(_ count: Int, of command: String) throws(UsageError) -> [String] {
        guard operands.count == count else {
            throw UsageError(
                "'\(command)' needs \(count == 1 ? "a catalogue" : "\(count) catalogues"): a file or a shipped one's name"
            )
        }
        return operands
    }
}

private enum CatalogCommands {
    @Sendable static func check(_ arguments: Arguments) async throws -> Int32 {
        guard !arguments.operands.isEmpty else { throw UsageError("'catalog check' needs at least one file") }
        // All files first: what cannot be read is a wrong command line, not a wrong catalogue.
        let files = try arguments.operands.map { name throws(UsageError) in try InputFile(named: name) }
        var isFaulty = false
        for file in files {
            do throws(CatalogueFaults) {
                let catalogue = try Catalogue.read(file.bytes, name: file.name)
                if let fault = unknownZone(of: catalogue) {
                    Terminal.print("\(file.name): \(fault)")
                    isFaulty = true
                } else {
                    Terminal.print("\(file.name): no faults found")
                }
            } catch {
                Terminal.print("\(error)")
                isFaulty = true
            }
        }
        return isFaulty ? 1 : 0
    }

    /// Only this host knows which zones there are.
    private static func unknownZone(of catalogue: Catalogue) -> String? {
        guard let zone = catalogue.seller?.timeZone else { return nil }
        do {
            _ = try HostTimeZones().rules(zone)
            return nil
        } catch {
            return "seller.time_zone: \(error)"
        }
    }

    @Sendable static func show(_ arguments: Arguments) async throws -> Int32 {
        let catalogue = try read(arguments.catalogueNames(1, of: "catalog show")[0])
        if arguments.isOn("--json") {
            Terminal.print(try catalogue.json().text())
        } else {
            Terminal.print(try CataloguePage(catalogue).text, terminator: "")
        }
        return 0
    }

    @Sendable static func diff(_ arguments: Arguments) async throws -> Int32 {
        let names = try arguments.catalogueNames(2, of: "catalog diff")
        let (old, new) = (try read(names[0]), try read(names[1]))
        let changes = try old.changes(to: new)
        if arguments.isOn("--json") {
            Terminal.print(JSONValue.array(changes.map(\.json)).text())
        } else {
            for change in changes { Terminal.print(change.text) }
            if changes.isEmpty { Terminal.print("no difference") }
        }
        return changes.isEmpty ? 0 : 1
    }

    private static func read(_ name: String) throws(UsageError) -> Catalogue {
        let file = try InputFile(named: name)
        do throws(CatalogueFaults) {
            return try Catalogue.read(file.bytes, name: file.name)
        } catch { throw UsageError("\(error)") }
    }
}

extension CatalogueChange.Subject {
    /// Its sort, and what names it within that: `price`, `starter/base from 2026-03-01`.
    fileprivate var names: (sort: String, name: String) {
        switch self {
        case .seller: ("seller", "")
        case .metric(let code): ("metric", code)
        case .plan(let code): ("plan", code)
        case .price(let code, let plan, let from): ("price", "\(plan)/\(code)\(from.map { " from \($0)" } ?? "")")
        case .coupon(let code): ("coupon", code)
        }
    }
}

extension CatalogueChange {
    /// `changed  price starter/base: amount "299.00" -> "349.00"`.
    fileprivate var text: String {
        let (sort, name) = subject.names
        let details = fields.map { "\($0.key) \(Self.shown($0.old)) -> \(Self.shown($0.new))" }.joined(separator: ", ")
        let head = [kind.rawValue, sort, name].filter { !$0.isEmpty }.joined(separator: " ")
        return head + (details.isEmpty ? "" : ": \(details)")
    }

    /// A logo is longer than anybody reads.
    private static func shown(_ value: String?) -> String {
        guard let value else { return "none" }
        return value.utf8.count > 400 ? "\(value.prefix(40))… (\(value.utf8.count) bytes)" : value
    }

    fileprivate var json: JSONValue {
        let (sort, name) = subject.names
        let list = fields.map { field -> JSONValue in
            [
                "key": .string(field.key), "old": field.old.map { .string($0) } ?? .null,
                "new": field.new.map { .string($0) } ?? .null,
            ]
        }
        return ["change": .string(kind.rawValue), "what": .string(sort), "code": .string(name), "fields": .array(list)]
    }
}
