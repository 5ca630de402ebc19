import Foundation
import Processes
import Testing

/// Wrong input: one line that says what and where, status 2, and nothing is touched.
@Suite(.timeLimit(.minutes(15))) struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let words: [String]
        var environment: [String: String] = [:]
        /// Files to make beforehand; `FOLDER` in words, variables and complaints stands for where they are.
        var files: [String: String] = [:]
        let complaint: [String]

        var testDescription: String { complaint.first ?? "" }
    }

    @Test(arguments: commandLines + settings + files)
    func `wrong input is refused in one line and changes nothing`(_ input: Case) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bw-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, text) in input.files { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        let filled = { (text: String) in text.replacing("FOLDER", with: folder) }
        var environment = input.environment.mapValues(filled)
        environment["BILLWRIGHT_HOME"] = "\(folder)/home"
        let (status, run) = try await Run.finish(
            input.words.map(filled), environment: environment, limit: .seconds(10))
        #expect(status == .code(2))
        #expect(run.errors == input.complaint.map(filled))
        #expect(run.output == [])
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/home"))
    }

    static let commandLines = [
        Case(words: ["frob"], complaint: ["billwright: unknown command 'frob'; 'billwright --help' lists them"]),
        Case(
            words: ["jobs"],
            complaint: [
                "billwright: 'billwright jobs' needs one of: list, show, stats, retry, cancel, discard, reschedule, "
                    + "hold, release, replay"
            ]),
        Case(
            words: ["simulate"], complaint: ["billwright: 'simulate' needs at least one scenario file, or --random N"]),
        Case(
            words: ["simulate", "--random", "3", "x.json"], complaint: ["billwright: --random takes no scenario file"]),
        Case(
            words: ["simulate", "FOLDER/none"],
            complaint: [
                "billwright: 'FOLDER/none' is not a readable file or a shipped one "
                    + "(agents.json, energy.json, practice-customers.json, practice.json, tiers.json)"
            ]),
        Case(words: ["up", "--frob"], complaint: ["billwright: unknown flag '--frob'"]),
        Case(words: ["up", "now"], complaint: ["billwright: unexpected argument 'now'"]),
        Case(words: ["up", "--workers"], complaint: ["billwright: --workers needs a value: --workers N"]),
        Case(
            words: ["up", "--workers", "0"],
            complaint: ["billwright: --workers: '0' is not a whole number from 1 to 32"]),
        Case(
            words: ["jobs", "list", "--state", "lost"],
            complaint: [
                "billwright: --state: 'lost' is not one of scheduled, blocked, available, running, retryable, held, completed, "
                    + "cancelled, discarded"
            ]),
        Case(
            words: ["catalog", "diff", "practice"],
            complaint: ["billwright: 'catalog diff' needs 2 catalogues: a file or a shipped one's name"]),
        Case(
            words: ["catalog", "show", "none"],
            complaint: [
                "billwright: 'none' is not a readable file or a shipped one "
                    + "(agents.json, energy.json, practice-customers.json, practice.json, tiers.json)"
            ]),
        Case(
            words: ["catalog", "check", "practice", "none"],
            complaint: [
                "billwright: 'none' is not a readable file or a shipped one "
                    + "(agents.json, energy.json, practice-customers.json, practice.json, tiers.json)"
            ]),
        Case(
            words: ["jobs", "show", "x"], complaint: ["billwright: 'jobs show' needs a job's id, a whole number"]),
    ]

    static let settings = [
        Case(
            words: ["migrate"], environment: ["DATABASE_URL": "postgres://h:99999/x"],
            complaint: ["billwright: DATABASE_URL: port: \"99999\" is not a port (1 to 65535)"]),
        Case(
            words: ["migrate"], environment: ["DATABASE_URL": "colour=red"],
            complaint: ["billwright: DATABASE_URL: invalid connection option \"colour\""]),
        Case(
            words: ["web"], environment: ["BILLWRIGHT_LOG_LEVEL": "loud"],
            complaint: [
                "billwright: environment variable BILLWRIGHT_LOG_LEVEL: 'loud' is not one of debug, info, warning, error"
            ]),
        Case(
            words: ["up"], environment: ["BILLWRIGHT_LOG_LEVEL": "loud"],
            complaint: [
                "billwright: environment variable BILLWRIGHT_LOG_LEVEL: 'loud' is not one of debug, info, warning, error"
            ]),
        Case(
            words: ["up"], environment: ["BILLWRIGHT_CONCURRENCY": "many"],
            complaint: [
                "billwright: environment variable BILLWRIGHT_CONCURRENCY: 'many' is not a whole number from 1 to 256"
            ]),
        Case(
            words: ["up", "--smtp-url", "nonsense"],
            complaint: [
                "billwright: --smtp-url: '…' is not smtp://[USER:PASSWORD@]HOST:PORT or "
                    + "smtps://[USER:PASSWORD@]HOST:PORT"
            ]),
        Case(
            words: ["up", "--reconcile-after", "2s"],
            complaint: ["billwright: --reconcile-after: '2.0 seconds' is not 3s or more"]),
        Case(
            words: ["up", "--stripe-minimal", "maybe"],
            complaint: ["billwright: --stripe-minimal: 'maybe' is not one of yes, no"]),
        Case(
            words: ["up", "--stripe-url", "http://127.0.0.1:9"],
            complaint: ["billwright: --stripe-url needs a key: set STRIPE_SECRET_KEY or --stripe-key"]),
        Case(
            words: ["up", "--stripe-url", "http://127.0.0.1:9"], environment: ["STRIPE_SECRET_KEY": "sk_live_not_one"],
            complaint: [
                "billwright: --stripe-key, --stripe-url: the Stripe key is a live key, and live charges are not allowed "
                    + "by the settings"
            ]),
        Case(
            words: ["worker"],
            environment: ["STRIPE_SECRET_KEY": "sk_live_not_one", "BILLWRIGHT_SMTP_URL": "smtp://127.0.0.1:9"],
            complaint: [
                "billwright: --stripe-key, --stripe-url: the Stripe key is a live key, and live charges are not allowed "
                    + "by the settings"
            ]),
        Case(
            words: ["worker"], environment: ["BILLWRIGHT_SMTP_URL": "smtp://127.0.0.1:9"],
            complaint: ["billwright: --stripe-key or STRIPE_SECRET_KEY must be set"]),
        Case(
            words: ["web", "--health", "9464"],
            complaint: ["billwright: --health: '9464' is not an address and a port, such as 127.0.0.1:9464"]),
    ]

    static let files = [
        Case(
            words: ["up"], environment: ["BILLWRIGHT_CONFIG": "FOLDER/conf"],
            files: ["conf": "BILLWRIGHT_WORKERS=2\nBILLWRIGHT_COLOUR=red\n"],
            complaint: ["billwright: FOLDER/conf:2: unknown setting 'BILLWRIGHT_COLOUR'"]),
        Case(
            words: ["up"], environment: ["BILLWRIGHT_CONFIG": "FOLDER/conf"], files: ["conf": "BILLWRIGHT_WORKERS=0\n"],
            complaint: ["billwright: FOLDER/conf:1 BILLWRIGHT_WORKERS: '0' is not a whole number from 1 to 32"]),
        Case(
            words: ["up"], environment: ["BILLWRIGHT_CONFIG": "FOLDER/none"],
            complaint: ["billwright: BILLWRIGHT_CONFIG: cannot read 'FOLDER/none'"]),
        Case(
            words: ["up", "--customers", "FOLDER/none"],
            complaint: [
                "billwright: --customers: 'FOLDER/none' is not a readable file or a shipped one "
                    + "(agents.json, energy.json, practice-customers.json, practice.json, tiers.json)"
            ]),
        Case(
            words: ["up", "--customers", "FOLDER/list"],
            files: [
                "list": """
                {
                  "customers": [
                    {"id": "a", "email": "a@a.example", "colour": "red", "currency": "XXQ",
                     "subscriptions": [{"id": "s", "plan": "gold"}]}
                  ],
                  "colours": 1
                }
                """
            ],
            complaint: [
                "billwright: FOLDER/list: line 6: colours: unknown key \"colours\"",
                "FOLDER/list: line 3: customers[0].colour: unknown key \"colour\"",
                "FOLDER/list: line 3: customers[0].currency: unknown currency \"XXQ\"",
                "FOLDER/list: line 4: customers[0].subscriptions[0].plan: no plan \"gold\" in the catalogue",
            ]),
        Case(
            words: ["simulate", "FOLDER/one", "FOLDER/two"],
            files: [
                "one": #"{"scenario": "s", "catalog": "practice", "customers": [], "timeline": [],"# + "\n"
                    + #" "until": "2026-02-30", "colour": 1}"#,
                "two": "{",
            ],
            complaint: [
                "billwright: FOLDER/one: line 2: colour: unknown key \"colour\"",
                "FOLDER/one: line 2: until: \"2026-02-30\" is neither a date (2026-01-31) nor an instant "
                    + "(2026-01-31T09:00:00Z)",
                "FOLDER/two: line 1: a key should stand here",
            ]),
        Case(
            words: ["up", "--catalogue", "FOLDER/catalogue"],
            files: ["catalogue": "{\n  \"currency\": \"USD\",\n  \"plan\": []\n}"],
            complaint: [
                "billwright: FOLDER/catalogue: line 1: \"plans\" is missing",
                "FOLDER/catalogue: line 3: plan: unknown key \"plan\"",
            ]),
    ]
}
