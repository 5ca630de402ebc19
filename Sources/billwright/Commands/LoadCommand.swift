internal import Billing
internal import BooksStore
internal import Commands
internal import Dates
internal import Observability
internal import Runtime

extension Command {
    static let load = Command(
        "load", "Takes a catalogue and customers into the books. What is there already stays as it is.",
        settings: [
            .database,
            Setting("--catalogue", "FILE", default: "practice.json", help: "a catalogue file or a shipped one"),
            Setting("--customers", "FILE", help: "a customers file or a shipped one"),
            Setting(switch: "--check", help: "only say what is wrong with the files"),
        ],
        discussion: "A file with any fault is refused as a whole; every fault is listed with its line.",
        run: { try await LoadCommand.run($0, catalogue: InputFile($0, "--catalogue")) })
    static let catalogLoad = Command(
        "catalog load", "Takes a catalogue into the books: its seller, plans, metrics and coupons.",
        operands: ["NAME|FILE"],
        settings: [
            .database, Setting("--customers", "FILE", help: "a customers file or a shipped one, to load with it"),
            Setting(switch: "--check", help: "only say what is wrong with the files"),
        ],
        discussion: """
            What is not as its latest version becomes a new version: new subscriptions get it, others keep theirs. What
            the catalogue no longer has stays. A file with any fault is refused as a whole.
            """,
        run: { try await LoadCommand.run($0, catalogue: InputFile(named: $0.catalogueNames(1, of: "catalog load")[0])) }
    )
}

enum LoadCommand {
    static func run(_ arguments: Arguments, catalogue: InputFile) async throws -> Int32 {
        let customers = arguments.text("--customers") == nil ? nil : try InputFile(arguments, "--customers")
        try check(catalogue, customers)
        if arguments.isOn("--check") {
            Terminal.print("no faults found")
            return 0
        }
        let composition = try await Composition.connect(
            arguments.database(application: "load"), connections: 2, wait: .zero, log: Log(component: "load"))
        do {
            _ = try await load(catalogue, customers, in: composition)
        } catch {
            await composition.close()
            throw error
        }
        await composition.close()
        return 0
    }

    /// Throws `UsageError` with every fault of both files.
    static func check(_ catalogue: InputFile, _ customers: InputFile?) throws(UsageError) {
        var sellerZone: String?
        var zones: [(String, InputFile)] = []
        do throws(CatalogueFaults) {
            let list = try Catalogue.read(catalogue.bytes, name: catalogue.name)
            sellerZone = list.seller?.timeZone
            if let customers {
                // Only faults matter here; which day it is changes none of them.
                let someDay = LocalDate(daysSinceEpoch: 20_000)
                let file = try CustomerFile.read(
                    customers.bytes, name: customers.name, catalogue: list, loadDate: someDay)
                zones += Set(file.entries.compactMap(\.customer.timeZone)).sorted().map { ($0, customers) }
            }
        } catch {
            throw UsageError("\(error)")
        }
        guard let sellerZone else { throw UsageError("\(catalogue.name): names no seller") }
        for (zone, file) in [(sellerZone, catalogue)] + zones { try check(zone: zone, in: file) }
    }

    /// Only this host knows which zones there are; one it does not know would stop its customer's renewals.
    private static func check(zone: String, in file: InputFile) throws(UsageError) {
        do { _ = try HostTimeZones().rules(zone) } catch { throw UsageError("\(file.name): \(error)") }
    }

    /// Loads both and says what is new. Returns the seller.
    static func load(
        _ catalogue: InputFile, _ customers: InputFile?, in composition: Composition
    ) async throws -> [Seller.ID] {
        let list = try Catalogue.read(catalogue.bytes, name: catalogue.name)
        guard let seller = list.seller else { throw UsageError("\(catalogue.name): names no seller") }
        let now = composition.clock.now()
        let loader = CatalogueLoader(composition.booksStore)
        let id = try await loader.loadSeller(seller, now: now)
        let made = try await loader.loadCatalogue(list, of: id, now: now)
        Terminal.print(
            "\(catalogue.name): \(made.plans.made) plans new, \(made.plans.kept) as they were; "
                + "\(made.metrics.made) metrics and \(made.coupons.made) coupons new")
        guard let customers else { return [id] }
        let today = try HostTimeZones().rules(seller.timeZone).localDate(of: now)
        let file = try CustomerFile.read(customers.bytes, name: customers.name, catalogue: list, loadDate: today)
        let loaded = try await loader.loadCustomers(file, of: id, on: today, now: now)
        Terminal.print(
            "\(customers.name): \(loaded.customers.made) customers new, \(loaded.customers.kept) as they were; "
                + "\(loaded.subscriptions.made) subscriptions new")
        return [id]
    }
}
