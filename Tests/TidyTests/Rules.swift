/// The house rules that a machine can check. A new one is a row here; its samples are tested with it.
let rules: [Rule] = testRules + moduleRules + codeRules + treeRules

/// What a target may import beyond the standard library. Targets that are not named may import what their line in
/// `Package.swift` declares; these hold the promises of being pure, or of being readable alone.
private let allowedImports: [String: Set<String>] = [
    "Dates": [],
    "Money": [],
    "Ledger": ["Dates", "Money"],
    "JSONText": [],
    "Templates": ["HTML"],
    "HTML": [],
    "Billing": ["Dates", "Money", "Ledger", "JSONText"],
    "Scenarios": ["Accounts", "Billing", "Dates", "JSONText", "Ledger", "Money"],
    "Histories": ["Accounts", "Billing", "Chance", "Dates", "JSONText", "Ledger", "Money", "Scenarios"],
    "JobKit": ["Dates", "FoundationEssentials"],
    "Accounts": ["Billing", "Dates", "JSONText", "Ledger", "Money"],
    "BillingPorts": ["Accounts", "Billing", "Dates", "Documents", "JobKit", "Money"],
    "Documents": ["Accounts", "Billing", "Dates", "Ledger", "Money"],
]
private let handlerImports: Set<String> = ["Accounts", "Billing", "BillingPorts", "Dates", "JobKit", "Money"]
private let pureTargets: Set<String> = [
    "Dates", "Money", "Ledger", "JSONText", "Templates", "HTML", "Billing", "Accounts", "Documents", "Scenarios",
    "Histories",
]

private let isTest: @Sendable (SourceFile) -> Bool = { $0.path.hasPrefix("Tests/") }
private let isProduct: @Sendable (SourceFile) -> Bool = { $0.path.hasPrefix("Sources/") || $0.path.hasPrefix("Jobs/") }
private let isAny: @Sendable (SourceFile) -> Bool = { _ in true }
private let isPure: @Sendable (SourceFile) -> Bool = { $0.target(under: "Sources").map(pureTargets.contains) ?? false }

private let testRules: [Rule] = [
    .line(
        "test-without-attribute", "nobody runs this; give it @Test and a sentence for a name", in: isTest,
        bad: [
            ["Tests/A/A.swift": "@Suite struct A {\n    func testSomething() {}\n}"],
            ["Tests/A/A.swift": "@Suite struct A {\n    func `a promise is kept`() {}\n}"],
            ["Tests/A/A.swift": "@Test func `one`() {}\nfunc `another promise`() {}"],
        ],
        good: [
            ["Tests/A/A.swift": "@Test func `a promise is kept`() {}\nfunc helper() {}"],
            [
                "Tests/A/A.swift":
                    "@Test(arguments: [\n    // Small.\n    1, 2,\n])\nfunc `a promise is kept`(n: Int) {}"
            ],
            ["Tests/A/A.swift": "let sample = \"func testSomething() {}\""],
        ]
    ) { lines, index in
        let tokens = lines[index].tokens
        guard let at = tokens.firstIndex(of: "func"), at + 1 < tokens.count else { return false }
        let name = tokens[at + 1]
        if name.hasPrefix("test") { return true }
        guard name.contains(" ") else { return false }
        // Upwards over the attribute, which may take several lines, to whatever ends the declaration before.
        for above in (0...index).reversed() {
            if above < index && lines[above].has("func") { return true }
            if lines[above].has("@", "Test") { return false }
            let isBlank = lines[above].tokens.isEmpty && lines[above].comment.isEmpty
            if isBlank || lines[above].tokens == ["}"] { return true }
        }
        return true
    },
    .line(
        "sleep-in-test", "a sleep hides a race; wait for the event (`.seconds(3600)` stands for what hangs)",
        in: isTest,
        bad: [
            ["Tests/A/A.swift": "try await Task.sleep(for: .seconds(1))"],
            ["Tests/A/A.swift": "usleep(5)"],
        ],
        good: [
            ["Tests/A/A.swift": "try await Task.sleep(for: .seconds(3600))"],
            ["Tests/A/A.swift": "let command = \"sleep(5)\" // no sleep( here"], ["Sources/A/A.swift": "sleep(5)"],
        ]
    ) { lines, index in
        ["sleep", "usleep", "nanosleep"].contains { lines[index].has($0, "(") }
            && !lines[index].has("seconds", "(", "3600", ")")
    },
]

private let moduleRules: [Rule] = [
    Rule(
        name: "import", text: "this module may not import that; see the list in Rules.swift",
        bad: [
            ["Sources/Money/A.swift": "internal import Foundation"],
            ["Sources/Billing/A.swift": "public import Postgres"],
            ["Jobs/Renewals/A.swift": "import Billing\nimport Postgres"],
        ],
        good: [
            ["Sources/Billing/A.swift": "public import Money\nimport Dates"],
            ["Jobs/Renewals/A.swift": "public import JobKit\n// import Postgres"],
            ["Sources/Postgres/A.swift": "internal import Glibc"],
        ]
    ) { tree in
        tree.flatMap { file in forbiddenImports(in: file).map { (file.path, $0 + 1) } }
    },
    .line(
        "pure", "pure modules have no clock, no chance and no floating point; take the value as an argument",
        in: isPure,
        bad: [
            ["Sources/Money/A.swift": "let now = Date()"],
            ["Sources/Billing/A.swift": "func share(_ x: Double) {}"],
            ["Sources/Dates/A.swift": "let pick = Int.random(in: 0..<6)"],
            ["Sources/Ledger/A.swift": "let clock = ContinuousClock()"],
        ],
        good: [
            ["Sources/Money/A.swift": "let text = \"Double\" // no Double"],
            ["Sources/Runtime/A.swift": "let wait: Double = 1"],
        ]
    ) { lines, index in
        let words = ["Double", "Float", "Float16", "Float32", "Float64", "Float80", "CDouble", "CFloat"]
        let clocks = ["ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator"]
        return (words + clocks).contains { lines[index].has($0) } || lines[index].has("Date", "(", ")")
            || ["random", "shuffled", "randomElement"].contains { lines[index].has(".", $0, "(") }
    },
    .line(
        "print", "only the program prints; a library returns, throws or logs",
        in: { isProduct($0) && $0.target(under: "Sources") != "billwright" },
        bad: [["Sources/Runtime/A.swift": "print(\"hello\")"], ["Jobs/Renewals/A.swift": "debugPrint(x)"]],
        good: [
            ["Sources/billwright/A.swift": "print(\"hello\")"],
            ["Sources/Runtime/A.swift": "page.print(\"hello\")\nfunc blueprint() {}\ncase print(String)"],
        ]
    ) { lines, index in
        let tokens = lines[index].tokens
        return tokens.indices.dropLast().contains { at in
            ["print", "debugPrint"].contains(tokens[at]) && tokens[at + 1] == "("
                && (at == 0 || ![".", "func", "case"].contains(tokens[at - 1]))
        }
    },
]

private let codeRules: [Rule] = [
    .line(
        "crash", "what can happen is thrown; `precondition` with a reason is for what cannot", in: isAny,
        bad: [
            ["Sources/A/A.swift": "let x = try! f()"], ["Sources/A/A.swift": "let x = y as! Int"],
            ["Jobs/A/A.swift": "fatalError(\"no\")"], ["Tests/A/A.swift": "let x = try! f()"],
        ],
        good: [
            ["Sources/A/A.swift": "let x = try !f(y as? Int) // not try! or as!"],
            ["Sources/A/A.swift": "precondition(x > 0, \"fatalError(\")"],
        ]
    ) { lines, index in
        lines[index].has("try!") || lines[index].has("as!") || lines[index].has("fatalError", "(")
    },
    .line(
        "unfinished", "do it, or write an issue; the tree holds no notes to ourselves", in: isAny,
        bad: [["Sources/A/A.swift": "let x = 1 // TODO: more"], ["Tests/A/A.swift": "// FIXME"]],
        good: [["Sources/A/A.swift": "// what is done\nlet list = \"TODO\""]]
    ) { lines, index in
        lines[index].comment.contains("TODO") || lines[index].comment.contains("FIXME")
    },
    .line(
        "unchecked", "say in a comment, here or on the line above, why the compiler may be overruled", in: isAny,
        bad: [
            ["Sources/A/A.swift": "\nfinal class A: @unchecked Sendable {}"],
            ["Sources/A/A.swift": "let a = 1\nnonisolated(unsafe) var b = 2"],
        ],
        good: [
            ["Sources/A/A.swift": "// One thread owns it.\nfinal class A: @unchecked Sendable {}"],
            ["Sources/A/A.swift": "nonisolated(unsafe) var b = 2  // written once, before the threads start"],
        ]
    ) { lines, index in
        guard lines[index].has("@", "unchecked") || lines[index].has("nonisolated", "(", "unsafe", ")") else {
            return false
        }
        return lines[index].comment.isEmpty && (index == 0 || lines[index - 1].comment.isEmpty)
    },
]

private let treeRules: [Rule] = [
    Rule(
        name: "length", text: "too long to hold in the head (400 lines, 600 in tests); split it",
        bad: [
            ["Sources/A/A.swift": String(repeating: "let x = 1\n", count: 401)],
            ["Jobs/A/A.swift": String(repeating: "let x = 1\n", count: 401)],
            ["Tests/A/A.swift": String(repeating: "let x = 1\n", count: 601)],
        ],
        good: [
            ["Sources/A/A.swift": String(repeating: "let x = 1\n", count: 400)],
            ["Tests/A/A.swift": String(repeating: "let x = 1\n", count: 600)],
        ]
    ) { tree in
        tree.filter { $0.lines.count > (isTest($0) ? 600 : 400) }.map { ($0.path, $0.lines.count) }
    },
    Rule(
        name: "job-readme", text: "a job says in its README what it does and what an operator does when it is dead",
        bad: [["Jobs/Renewals/Renewals.swift": ""]],
        good: [["Jobs/Renewals/Renewals.swift": "", "Jobs/Renewals/README.md": ""], ["Sources/A/A.swift": ""]]
    ) { tree in
        let paths = Set(tree.map(\.path))
        return jobs(in: tree).filter { !paths.contains("Jobs/\($0)/README.md") }.map { ("Jobs/\($0)/README.md", 1) }
    },
    Rule(
        name: "job-crash-test", text: "a job is stopped after each of its calls by a test of this name",
        bad: [
            ["Jobs/Renewals/Renewals.swift": ""],
            ["Jobs/Renewals/Renewals.swift": "", "Tests/RenewalsTests/RenewalsTests.swift": ""],
        ],
        good: [["Jobs/Renewals/Renewals.swift": "", "Tests/RenewalsTests/RenewalsCrashTests.swift": ""]]
    ) { tree in
        let names = Set(tree.filter(isTest).compactMap { $0.path.split(separator: "/").last })
        return jobs(in: tree).filter { !names.contains("\($0)CrashTests.swift") }
            .map { ("Tests/\($0)Tests/\($0)CrashTests.swift", 1) }
    },
]

/// The folders in `Jobs/`.
private func jobs(in tree: [SourceFile]) -> [String] {
    Set(tree.compactMap { $0.target(under: "Jobs") }).sorted()
}

/// The indices of the lines that import what the file's target may not.
private func forbiddenImports(in file: SourceFile) -> [Int] {
    let isHandler = file.target(under: "Jobs") != nil
    let listed = isHandler ? handlerImports : file.target(under: "Sources").flatMap { allowedImports[$0] }
    guard let listed else { return [] }
    return file.lines.indices.filter { index in
        let tokens = file.lines[index].tokens
        guard let at = tokens.firstIndex(of: "import"), at + 1 < tokens.count else { return false }
        // `import struct Money.Currency` imports from Money.
        let name = tokens[(at + 1)...].first { !["struct", "enum", "class", "func", "protocol", "let"].contains($0) }
        return !listed.contains(name ?? "")
    }
}
