internal import Billing
internal import BooksStore
internal import Commands
internal import Dates
internal import FoundationEssentials
internal import HTTPClient
internal import JSONText
internal import LocalPostgres
internal import Postgres
internal import QueueStore

extension Command {
    static let doctor = Command(
        "doctor", "Checks every dependency and setting, and says how to mend what is wrong.",
        settings: [.database, patience, .json] + Setting.counterparts,
        discussion:
            "Exits with 1 when something is to be mended. Counts every live job: seconds where there are millions.",
        run: DoctorCommand.run)

    private static let patience = Setting(
        "--patience", "TIME", default: "15m", help: "how long a job that could run may wait")
}

private enum DoctorCommand {
    private struct Finding: Sendable {
        let subject: String
        let grade: QueueCheckup.Finding.Grade
        let detail: String
        let advice: String

        /// `advice` is what to do when it is not well.
        init(subject: String, isWell: Bool, detail: String, advice: String = "") {
            self.subject = subject
            grade = isWell ? .well : .fault
            self.detail = detail
            self.advice = isWell ? "" : advice
        }

        /// Worth knowing; nothing is wrong.
        init(note subject: String, detail: String, advice: String) {
            self.subject = subject
            grade = .note
            self.detail = detail
            self.advice = advice
        }

        init(_ found: QueueCheckup.Finding) {
            subject = found.subject
            grade = found.grade
            detail = found.detail
            advice = found.advice
        }

        var text: String {
            let mark =
                switch grade {
                case .well: "ok   "
                case .note: "NOTE "
                case .fault: "MEND "
                }
            return "\(mark) \(subject): \(detail)" + (advice.isEmpty ? "" : "\n      \(advice)")
        }

        var json: JSONValue {
            .object([
                .init("subject", .string(subject)), .init("grade", .string(grade.rawValue)),
                .init("detail", .string(detail)), .init("advice", .string(advice)),
            ])
        }
    }

    @Sendable static func run(_ arguments: Arguments) async throws -> Int32 {
        var findings = [timeZones(), postgresBinaries(), payments(arguments), mail(arguments)]
        findings += try await database(arguments)
        let isWell = findings.allSatisfy { $0.grade != .fault }
        if arguments.isOn("--json") {
            Terminal.print(
                JSONValue.object([.init("well", .bool(isWell)), .init("findings", .array(findings.map(\.json)))]).text()
            )
        } else {
            for finding in findings { Terminal.print(finding.text) }
        }
        return isWell ? 0 : 1
    }

    private static func timeZones() -> Finding {
        do {
            let rules = try HostTimeZones().rules("America/New_York")
            return Finding(subject: "time zones", isWell: true, detail: "version \(rules.version)")
        } catch {
            return Finding(
                subject: "time zones", isWell: false, detail: "\(error)", advice: "apt-get install tzdata")
        }
    }

    private static func postgresBinaries() -> Finding {
        do throws(LocalPostgresError) {
            let found = try PostgresBinaries.find(environment: ProcessInfo.processInfo.environment)
            return Finding(subject: "Postgres binaries, for `up`", isWell: true, detail: found.folder)
        } catch {
            return Finding(
                subject: "Postgres binaries, for `up`", isWell: false, detail: "\(error)",
                advice: "apt-get install postgresql; not needed where DATABASE_URL names a server")
        }
    }

    private static func payments(_ arguments: Arguments) -> Finding {
        check("payment gateway and mail settings", "set STRIPE_SECRET_KEY and BILLWRIGHT_SMTP_URL; see `worker --help`")
        {
            _ = try arguments.counterparts()
            return arguments.text("--stripe-url") ?? ""
        }
    }

    private static func mail(_ arguments: Arguments) -> Finding {
        check("sender of mails", "set BILLWRIGHT_MAIL_FROM to an address your mail server lets you send from") {
            let from = try arguments.required("--mail-from")
            guard !from.hasSuffix(".example") else { throw UsageError("\(from) cannot receive answers") }
            return from
        }
    }

    private static func check(_ subject: String, _ advice: String, _ body: () throws -> String) -> Finding {
        do {
            return Finding(subject: subject, isWell: true, detail: try body())
        } catch {
            return Finding(subject: subject, isWell: false, detail: "\(error)", advice: advice)
        }
    }

    private static func database(_ arguments: Arguments) async throws -> [Finding] {
        let patience = try arguments.duration("--patience")
        let configuration = try arguments.database(application: "doctor")
        let connection: PostgresConnection
        do {
            connection = try await PostgresConnection.connect(configuration)
        } catch {
            return [
                Finding(
                    subject: "database", isWell: false, detail: "\(error)",
                    advice: "start it, or mend DATABASE_URL (now \(configuration))")
            ]
        }
        let (version, role, mayDoAll, offset) = try await connection.query(
            """
            SELECT current_setting('server_version_num')::integer, current_user::text,
                   (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user), clock_timestamp()
            """
        ).only(Int32.self, String.self, Bool.self, Instant.self)
        var findings = [
            Finding(
                subject: "database", isWell: version >= 150_000,
                detail: "\(configuration), version \(version / 10_000)",
                advice: "Postgres 15 or later is needed"),
            Finding(
                subject: "role", isWell: !mayDoAll, detail: mayDoAll ? "\(role) escapes row-level security" : role,
                advice: "connect as a login that is a member of billwright_worker, neither superuser nor BYPASSRLS"),
        ]
        let skew = offset - Instant(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000))
        let isNear = skew < .seconds(2) && skew > .seconds(-2)
        findings.append(
            Finding(
                subject: "clock", isWell: isNear, detail: "the database's is \(skew) from ours",
                advice: "run a time service; business time follows the database, logs follow this host"))
        let schema = await schema(configuration)
        findings.append(schema)
        await connection.close()
        if schema.grade == .well {
            findings += await queue(configuration, patience: patience, now: offset)
            findings += await books(configuration)
        }
        return findings
    }

    /// What cannot be asked is a finding as well.
    private static func queue(
        _ configuration: PostgresConfiguration, patience: Duration, now: Instant
    ) async -> [Finding] {
        let pool = PostgresPool(configuration, size: 1)
        let findings: [Finding]
        do {
            findings = try await QueueCheckup(pool: pool, patience: patience).findings(now: now).map(Finding.init)
        } catch {
            findings = [
                Finding(
                    subject: "queue", isWell: false, detail: "\(error)",
                    advice: "connect as a login that is a member of billwright_worker")
            ]
        }
        await pool.close()
        return findings
    }

    /// Whether everything in the books agrees; a look at every row of them.
    private static func books(_ configuration: PostgresConfiguration) async -> [Finding] {
        let pool = PostgresPool(configuration, size: 1)
        var findings: [Finding]
        do {
            let summary = try await BooksSummary.read(pool)
            findings = summary.violations.prefix(20).map {
                Finding(
                    subject: "books", isWell: false, detail: "\($0)",
                    advice: "bill nothing of it until it is mended: report it with 'billwright customers show'")
            }
            if summary.isBalanced {
                let count = summary.invoices.values.reduce(0, +)
                findings = [
                    Finding(
                        subject: "books", isWell: true,
                        detail: "\(summary.customers) customers, \(count) invoices; everything agrees")
                ]
            }
            if summary.parked > 0 {
                findings.append(
                    Finding(
                        note: "parked customers", detail: "\(summary.parked): a brake holds their invoices",
                        advice: "billwright customers list --parked; then customers release CODE --reason TEXT"))
            }
        } catch {
            findings = [
                Finding(
                    subject: "books", isWell: false, detail: "\(error)",
                    advice: "connect as a login that is a member of billwright_worker")
            ]
        }
        await pool.close()
        return findings
    }

    private static func schema(_ configuration: PostgresConfiguration) async -> Finding {
        do throws(MigrationError) {
            let statuses = try await Migrator(configuration, Composition.migrations).status()
            let pending = statuses.filter { if case .applied = $0.state { false } else { true } }
            return Finding(
                subject: "schema", isWell: pending.isEmpty,
                detail: pending.isEmpty
                    ? "\(statuses.count) migrations applied"
                    : "not as this program wants it: "
                        + pending.map(\.file).joined(separator: ", "),
                advice: "run `billwright migrate` as the owner")
        } catch {
            return Finding(
                subject: "schema", isWell: false, detail: "\(error)", advice: "run `billwright migrate` as the owner")
        }
    }
}
