import Postgres
import Testing

@Suite struct ConfigurationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let fault: String
        var testDescription: String { text }
    }

    static let malformed = [
        Case(text: "postgres://u:hush@h:99999/d", fault: "DATABASE_URL: port: \"99999\" is not a port (1 to 65535)"),
        Case(text: "postgres://u:hush@h/d?sslmod=require", fault: "invalid URI query parameter: \"sslmod\""),
        Case(text: "postgres://u:hush@h/d?sslmode=maybe", fault: "DATABASE_URL: sslmode: \"maybe\" is none of disable"),
        Case(text: "postgres://u:%ZZhush@h/d", fault: "invalid percent-encoded token: \"…\""),
        Case(text: "postgres://u:hush@[::1/d", fault: "in URI: \"…\""),
        Case(text: "host=h passwrd=hush", fault: "invalid connection option \"passwrd\""),
        Case(text: "hush", fault: "missing \"=\" after \"…\""),
        Case(text: "host=h password='hush", fault: "unterminated quoted string"),
        Case(text: "postgres://u:hu/sh?hush=1@h/d", fault: "invalid URI query parameter: \"…\""),
        Case(text: "host=h connect_timeout=soon", fault: "\"soon\" is not a number of seconds"),
    ]

    @Test(arguments: malformed)
    func `a malformed URL is refused by name, without its password`(_ example: Case) {
        let error = #expect(throws: PostgresError.self) {
            try PostgresConfiguration(environment: ["DATABASE_URL": example.text])
        }
        #expect(error?.description.contains(example.fault) == true, "\(String(describing: error))")
        #expect(error?.description.contains("hush") == false, "\(String(describing: error))")
        #expect(error?.description.hasPrefix("DATABASE_URL: ") == true)
    }

    @Test func `one URL serves several roles and never shows a password`() throws {
        let configuration = try PostgresConfiguration(
            environment: ["DATABASE_URL": "postgres://owner:hush@db.example:6000/billing?sslmode=verify-full"])
        let worker = configuration.with(user: "worker", password: "hush2")
        #expect(
            worker.redactedDescription == "host=db.example port=6000 user=worker dbname=billing sslmode=verify-full")
        #expect(configuration.with(database: "other").database == "other")
        #expect("\(worker)".contains("hush") == false)
        #expect(String(reflecting: worker).contains("hush") == false)
        var dumped = ""
        dump(worker, to: &dumped)
        #expect(dumped.contains("hush") == false)
    }
}
