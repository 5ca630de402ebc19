// swift-tools-version: 6.2
import PackageDescription

// Bands from bottom to top: a target imports only what stands above it in this file's order, and only what its line names.
// `swift build --explicit-target-dependency-import-check error` holds the rest of us to that.

let strict: [SwiftSetting] = [
    .strictMemorySafety(), .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library: `Sources/<name>`.
func library(_ name: String, _ imports: String...) -> Target {
    .target(name: name, dependencies: imports.map { .byName(name: $0) }, swiftSettings: strict)
}

/// A store: a library that carries its migrations in the binary.
func store(_ name: String, _ imports: String..., migrations: [String]) -> Target {
    .target(
        name: name, dependencies: imports.map { .byName(name: $0) },
        resources: migrations.map { .embedInCode("Migrations/\($0).sql") }, swiftSettings: strict)
}

/// Every file of a mail that ships with the program.
let mailTexts = ["en", "de"].flatMap { language in
    let mails = [
        "invoice_issued", "payment_receipt", "dunning_friendly", "dunning_urgent", "dunning_final",
        "payment_method_needed", "payment_action_required", "subscription_suspended", "subscription_restored",
        "subscription_cancelled", "trial_ending", "trial_expired", "renewal_reminder", "credit_note_issued",
        "refund_issued", "usage_80", "usage_90", "usage_100", "win_back", "layout",
    ]
    return mails.flatMap { ["\($0).\(language).txt", "\($0).\(language).html"] } + ["format.\(language).txt"]
}

/// A job type: `Jobs/<name>`. It sees the domain, the ports and the queue's words, never another job type.
func job(_ name: String) -> Target {
    .target(
        name: name, dependencies: ["Accounts", "Billing", "BillingPorts", "Dates", "JobKit", "Money"],
        path: "Jobs/\(name)",
        exclude: ["README.md"], swiftSettings: strict)
}

/// What tests share: `Tests/<name>`.
func testSupport(_ name: String, _ imports: String...) -> Target {
    .target(
        name: name, dependencies: imports.map { .byName(name: $0) }, path: "Tests/\(name)", swiftSettings: strict)
}

/// The tests of one target, or of one story.
func tests(_ name: String, _ imports: String...) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: imports.map { .byName(name: $0) }, swiftSettings: strict)
}

/// The tests of a job type on real books, with the other job types of its stories.
func jobTests(_ name: String, _ others: String...) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: ([name] + others).map { .byName(name: $0) } + [
            "Accounts", "Billing", "BillingPorts", "BillingSupport", "Dates", "JobKit", "Money", "Postgres",
            "TestSupport",
        ], swiftSettings: strict)
}

let package = Package(
    name: "billwright",
    targets: [
        // C libraries: a module map and one shim header each.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPango", pkgConfig: "pangocairo", providers: [.apt(["libpango1.0-dev"])]),
        .systemLibrary(name: "CQREncode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
        .systemLibrary(name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),

        // Pure: values and rules. No clock, no I/O, no floating point.
        library("Dates"),
        library("Money"),
        library("Ledger", "Dates", "Money"),
        library("JSONText"),
        library("HTML"),
        library("Templates", "HTML"),
        // Chance that repeats, for trials and tests.
        library("Chance"),
        library("Billing", "Dates", "JSONText", "Ledger", "Money"),
        library("Accounts", "Billing", "Dates", "JSONText", "Ledger", "Money"),
        library("Documents", "Accounts", "Billing", "Dates", "Ledger", "Money"),
        library("Scenarios", "Accounts", "Billing", "Dates", "JSONText", "Ledger", "Money"),
        library("Histories", "Accounts", "Billing", "Chance", "Dates", "JSONText", "Ledger", "Money", "Scenarios"),

        // The queue's vocabulary, which knows no billing; and what billing handlers share beside the domain.
        library("JobKit", "Dates"),
        library("BillingPorts", "Accounts", "Billing", "Dates", "Documents", "JobKit", "Money"),

        // Jobs: one kind, or the few kinds of one story, each.
        job("Renewals"),
        job("Proration"),
        job("InvoiceGeneration"),
        job("PaymentRetries"),
        job("DunningEmails"),
        job("PaymentMethods"),
        job("CustomerMails"),
        job("PaymentPages"),
        job("GatewayEvents"),
        job("Refunds"),
        job("Deliveries"),
        job("DocumentRendering"),

        // What a person says to the process, and it of itself.
        library("Commands"),
        library("Observability"),

        // Workers and schedulers over any store.
        library("Runtime", "Dates", "JobKit", "Observability"),

        // Threads that may block, and other processes.
        library("Threads", "CLinux"),
        library("Processes", "CLinux"),

        // Effects: one counterpart each.
        library("Postgres", "CLinux", "CPostgres", "Dates", "Threads"),
        library("Crypto", "CCrypto"),
        library("HTTPTypes"),
        library("HTTPClient", "CCurl", "CLinux", "HTTPTypes"),
        library("HTTPServer", "CMicroHTTPD", "HTTPTypes"),
        library("LocalPostgres", "Processes"),
        library("Typesetting", "BillingPorts", "Billing", "CPango", "CQREncode", "Dates", "Documents", "Threads"),

        // Listeners of our own.
        library("Web", "Crypto", "HTTPServer", "HTTPTypes", "JSONText", "Observability"),

        // What ships as data.
        .target(
            name: "Catalogues", path: "catalogs", exclude: ["README.md"],
            resources: ["practice", "practice-customers", "tiers", "energy", "agents"].map {
                .embedInCode("\($0).json")
            },
            swiftSettings: strict),
        .target(
            name: "MailTexts", path: "templates/mail",
            resources: mailTexts.map { .embedInCode($0) }, swiftSettings: strict),
        // Links to the page of an invoice, the page, and mails in words.
        library("PayLinks", "Billing", "BillingPorts", "Crypto", "Dates"),
        library("Mails", "Accounts", "Billing", "BillingPorts", "Dates", "MailTexts", "Money", "Templates"),

        // Stores: JobKit's and BillingPorts' interfaces in Postgres, over one transaction value.
        store(
            "QueueStore", "Dates", "JobKit", "Postgres",
            migrations: [
                "0001_roles", "0002_queue", "0003_claims", "0004_verbs", "0005_schedules", "0006_operations",
                "0007_housekeeping", "0008_cluster", "0009_runs", "0010_limits", "0011_foreign", "0012_plans",
            ]),
        store(
            "BooksStore", "Accounts", "Billing", "BillingPorts", "Dates", "Documents", "JSONText", "JobKit", "Ledger",
            "Money", "Postgres", "QueueStore",
            migrations: [
                "0001_books", "0002_room", "0003_retention", "hooks_0001_inbox", "hooks_0002_outbox",
                "documents_0001_documents", "mails_0001_mails", "pay_0001_pay", "notices_0001_notices",
            ]),

        // What customers see on the web.
        library(
            "InvoicePages", "Accounts", "BillingPorts", "BooksStore", "Dates", "HTML", "HTTPServer", "HTTPTypes",
            "Mails", "Money", "Observability", "PayLinks"),

        // Stand-ins for people without accounts: what behaves as the real thing does.
        library("Sandboxes", "CLinux", "Crypto", "HTML", "HTTPClient", "HTTPServer", "HTTPTypes", "Threads"),

        // Gateways: the ports' counterparts outside, as they really speak.
        library(
            "Gateways", "BillingPorts", "Crypto", "Dates", "HTTPClient", "HTTPTypes", "JSONText", "JobKit", "Money",
            "Threads"),

        library(
            "DocumentStorage", "BillingPorts", "Crypto", "Dates", "HTTPClient", "HTTPTypes", "Threads"),

        // What the queue is tried with: jobs that do nothing for anybody, and the faults that happen to them.
        library(
            "Bench", "Chance", "Dates", "HTTPClient", "HTTPServer", "HTTPTypes", "JobKit", "LocalPostgres",
            "Observability", "Postgres", "Processes", "QueueStore", "Runtime"),

        // The program: the one target that sees both sides of every interface.
        .executableTarget(
            name: "billwright",
            dependencies: [
                "Accounts", "Bench", "Billing", "BillingPorts", "BooksStore", "Catalogues", "Commands", "CustomerMails",
                "Dates", "Deliveries", "DocumentRendering", "DocumentStorage", "Documents", "DunningEmails",
                "GatewayEvents", "Gateways", "HTTPClient", "HTTPServer", "Histories", "InvoiceGeneration",
                "InvoicePages",
                "JSONText", "JobKit", "Ledger", "LocalPostgres", "Mails", "Money", "Observability", "PayLinks",
                "PaymentMethods", "PaymentPages", "PaymentRetries", "Postgres", "Processes", "Proration", "QueueStore",
                "Refunds", "Renewals", "Runtime", "Sandboxes", "Scenarios", "Typesetting", "Web",
            ], swiftSettings: strict),

        // What tests share, then the tests.
        testSupport("TestSupport", "Postgres"),
        testSupport("JudgeSupport"),
        testSupport(
            "BillingSupport", "Accounts", "Billing", "BillingPorts", "BooksStore", "Dates", "Documents", "JobKit",
            "Money",
            "Postgres", "QueueStore", "TestSupport"),
        tests("Tidy"),
        tests("Dates", "Chance", "Dates"),
        tests("Money", "Chance", "Money"),
        tests("Ledger", "Chance", "Dates", "Ledger", "Money"),
        tests("JSONText", "Chance", "JSONText"),
        tests("Templates", "Templates"),
        tests("HTML", "HTML"),
        tests("PayLinks", "Billing", "BillingPorts", "Dates", "PayLinks"),
        tests("Mails", "Accounts", "Billing", "BillingPorts", "Dates", "Mails", "Money"),
        tests("Billing", "Billing", "Chance", "Dates", "JSONText", "Ledger", "Money"),
        tests(
            "Scenarios", "Accounts", "Billing", "Chance", "Dates", "JSONText", "Ledger", "Money", "Scenarios"),
        tests("Accounts", "Accounts", "Billing", "Chance", "Dates", "JSONText", "Ledger", "Money"),
        tests("Histories", "Dates", "Histories"),
        tests("Commands", "Commands"),
        tests("JobKit", "Chance", "Dates", "JobKit", "JudgeSupport"),
        tests("Observability", "JudgeSupport", "Observability"),
        tests("Processes", "Processes"),
        tests("Postgres", "Dates", "Postgres", "TestSupport"),
        tests("Crypto", "Crypto"),
        tests("HTTPClient", "HTTPClient", "HTTPTypes", "JudgeSupport"),
        tests("HTTPServer", "HTTPClient", "HTTPServer", "HTTPTypes"),
        tests(
            "Gateways", "BillingPorts", "Dates", "Gateways", "HTTPClient", "HTTPServer", "HTTPTypes", "JSONText",
            "JobKit", "JudgeSupport", "Money", "Sandboxes"),
        tests("Web", "Crypto", "HTTPClient", "HTTPServer", "HTTPTypes", "JudgeSupport", "Observability", "Web"),
        tests("Sandboxes", "Crypto", "HTTPClient", "HTTPServer", "HTTPTypes", "JudgeSupport", "Sandboxes"),
        tests("LocalPostgres", "LocalPostgres", "Processes"),
        tests("QueueStore", "Chance", "Dates", "JobKit", "Postgres", "QueueStore", "TestSupport"),
        tests(
            "BooksStore", "Accounts", "Billing", "BillingPorts", "BooksStore", "Chance", "Dates", "JSONText", "JobKit",
            "Ledger", "Money", "Postgres", "QueueStore", "TestSupport"),
        tests("BillingSupport", "BillingSupport", "Dates"),
        tests("Documents", "Accounts", "Billing", "Dates", "Documents", "Money"),
        tests(
            "Typesetting", "Accounts", "Billing", "Dates", "Documents", "JudgeSupport", "Money", "Processes",
            "Typesetting"),
        tests(
            "DocumentStorage", "BillingPorts", "Crypto", "Dates", "DocumentStorage", "HTTPClient", "HTTPServer",
            "HTTPTypes", "JudgeSupport"),
        jobTests("Renewals", "InvoiceGeneration"),
        jobTests("Proration", "InvoiceGeneration"),
        jobTests("InvoiceGeneration", "Chance", "Renewals"),
        jobTests("PaymentRetries", "DunningEmails"),
        jobTests("DunningEmails", "PaymentRetries", "Renewals"),
        jobTests("PaymentMethods", "InvoiceGeneration", "PaymentRetries"),
        jobTests("CustomerMails", "Gateways", "HTTPClient", "JSONText", "JudgeSupport", "Mails"),
        .testTarget(
            name: "PaymentPagesTests",
            dependencies: [
                "Accounts", "Billing", "BillingPorts", "BillingSupport", "BooksStore", "Dates", "Gateways",
                "HTTPClient",
                "HTTPServer", "HTTPTypes", "JobKit", "JudgeSupport", "Mails", "Money", "Observability", "PayLinks",
                "InvoicePages", "PaymentMethods", "PaymentPages", "PaymentRetries", "Postgres", "Sandboxes",
                "TestSupport",
            ], swiftSettings: strict),
        jobTests("Refunds", "GatewayEvents", "PaymentRetries"),
        jobTests(
            "Deliveries", "BooksStore", "Gateways", "HTTPServer", "HTTPTypes", "JudgeSupport", "PaymentRetries"),
        jobTests(
            "GatewayEvents", "BooksStore", "Gateways", "HTTPClient", "HTTPServer", "HTTPTypes", "JudgeSupport",
            "Observability", "PaymentMethods", "PaymentRetries", "Refunds", "Sandboxes", "Web"),
        jobTests(
            "DocumentRendering", "BooksStore", "Crypto", "DocumentStorage", "Documents", "JudgeSupport", "Typesetting"),
        tests("Runtime", "Dates", "JobKit", "Observability", "Postgres", "QueueStore", "Runtime", "TestSupport"),
        tests(
            "EndToEnd", "BooksStore", "CLinux", "Dates", "HTTPClient", "HTTPTypes", "JobKit", "JudgeSupport",
            "LocalPostgres",
            "Postgres",
            "Processes", "QueueStore", "TestSupport"),
    ],
    swiftLanguageModes: [.v6]
)
