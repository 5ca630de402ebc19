// swift-tools-version: 6.2
import PackageDescription

// Bands from bottom to top: a target imports only what stands above it in this file's order, and only what its line names.
// `swift build --explicit-target-dependency-import-check error` holds the rest of us to that.

let strict: [SwiftSetting] = [
    .strictMemorySafety(), .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "billwright",
    targets: [
        // C libraries: a module map and one shim header each.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // Pure: values and rules. No clock, no I/O, no floating point.
        .target(name: "Dates", swiftSettings: strict),
        .target(name: "Money", swiftSettings: strict),
        .target(name: "Ledger", dependencies: ["Dates", "Money"], swiftSettings: strict),
        .target(name: "JSONText", swiftSettings: strict),
        .target(name: "Billing", dependencies: ["Dates", "JSONText", "Ledger", "Money"], swiftSettings: strict),

        // The queue's vocabulary: knows no billing.
        .target(name: "JobKit", dependencies: ["Dates"], swiftSettings: strict),

        // What handlers share and is not domain: counterparts and books as interfaces.
        .target(
            name: "BillingPorts", dependencies: ["Billing", "Dates", "JobKit", "Money"], swiftSettings: strict),

        // Jobs: one kind or one story of kinds each. They see the domain, the ports and the queue's words, never each other.
        .target(
            name: "Renewals", dependencies: ["Billing", "BillingPorts", "Dates", "JobKit"], path: "Jobs/Renewals",
            exclude: ["README.md"], swiftSettings: strict),
        .target(
            name: "InvoiceGeneration", dependencies: ["Billing", "BillingPorts", "Dates", "JobKit"],
            path: "Jobs/InvoiceGeneration", exclude: ["README.md"], swiftSettings: strict),
        .target(
            name: "PaymentRetries", dependencies: ["Billing", "BillingPorts", "Dates", "JobKit", "Money"],
            path: "Jobs/PaymentRetries", exclude: ["README.md"], swiftSettings: strict),
        .target(
            name: "PaymentMethods", dependencies: ["Billing", "BillingPorts", "JobKit"], path: "Jobs/PaymentMethods",
            exclude: ["README.md"], swiftSettings: strict),
        .target(
            name: "Receipts", dependencies: ["Billing", "BillingPorts", "Dates", "JobKit", "Money"],
            path: "Jobs/Receipts",
            exclude: ["README.md"], swiftSettings: strict),

        // What a person says to the process, and it of itself.
        .target(name: "Arguments", swiftSettings: strict),
        .target(name: "Observability", swiftSettings: strict),

        // Workers and schedulers over any store.
        .target(name: "Runtime", dependencies: ["Dates", "JobKit", "Observability"], swiftSettings: strict),

        // Threads that may block.
        .target(name: "Threads", dependencies: ["CLinux"], swiftSettings: strict),

        // Effects: one counterpart each.
        .target(name: "Postgres", dependencies: ["CLinux", "CPostgres", "Dates", "Threads"], swiftSettings: strict),

        // Stores: JobKit's and BillingPorts' interfaces in Postgres, over one transaction value.
        .target(
            name: "QueueStore", dependencies: ["Dates", "JobKit", "Postgres"],
            resources: [.embedInCode("Migrations/0001_roles.sql"), .embedInCode("Migrations/0002_queue.sql")],
            swiftSettings: strict),

        // What tests share, then the tests, a target each.
        .target(name: "PropertySupport", path: "Tests/PropertySupport", swiftSettings: strict),
        .target(name: "TestSupport", dependencies: ["Postgres"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "DatesTests", dependencies: ["Dates", "PropertySupport"], swiftSettings: strict),
        .testTarget(name: "MoneyTests", dependencies: ["Money", "PropertySupport"], swiftSettings: strict),
        .testTarget(
            name: "LedgerTests", dependencies: ["Dates", "Ledger", "Money", "PropertySupport"], swiftSettings: strict),

        // Tests of the effects, and the database they share.
        .testTarget(name: "PostgresTests", dependencies: ["Dates", "Postgres", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText", "PropertySupport"], swiftSettings: strict),
        .testTarget(name: "ArgumentsTests", dependencies: ["Arguments"], swiftSettings: strict),
        .testTarget(name: "JobKitTests", dependencies: ["Dates", "JobKit"], swiftSettings: strict),
        .testTarget(
            name: "QueueStoreTests", dependencies: ["Dates", "JobKit", "Postgres", "QueueStore", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RuntimeTests",
            dependencies: ["Dates", "JobKit", "Observability", "Postgres", "QueueStore", "Runtime", "TestSupport"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
