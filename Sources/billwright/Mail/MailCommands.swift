internal import Accounts
internal import BillingPorts
internal import BooksStore
internal import Commands
internal import Dates
internal import JSONText
internal import Mails

extension Commands.Command {
    static let mail = [
        Commands.Command(
            "mail list", "Lists mails with what became of each.",
            settings: [
                .database, .seller, Setting("--customer", "CODE", help: "only this customer's"),
                Setting(
                    "--state", "STATE", help: "intended, sent, refused, unknown, suppressed or bounced"),
                Setting("--after", "MAIL", help: "those behind this one, as acme/3: the next page"), .limit, .json,
            ],
            discussion: """
                A mail is named by its customer's code and its place among that customer's: acme/3.
                intended: to be sent, or being tried. unknown: it may have been sent, and its template says never twice, or
                a server's answer is still waited for. suppressed: not sent, as mail to its address came back before.
                """,
            run: MailCommands.list),
        Commands.Command(
            "mail resend", "Sends a mail once more, to the address that its customer has now.", operands: ["MAIL"],
            settings: [.database, .seller, .by, .reason], run: MailCommands.resend),
        Commands.Command(
            "mail bounce", "Marks an address from which mail came back: nothing is written to it any more.",
            operands: ["ADDRESS-OR-MESSAGE-ID"], settings: [.database, .seller, .by, .reason],
            discussion: "With the Message-ID of one of our mails, that mail is marked as well.",
            run: MailCommands.bounce),
        Commands.Command(
            "mail unbounce", "Takes the mark off an address.", operands: ["ADDRESS"],
            settings: [.database, .seller, .by], run: MailCommands.unbounce),
        Commands.Command(
            "mail preview", "Shows a mail as it would be written to a customer now.", operands: ["TEMPLATE"],
            settings: [
                .database, .seller, Setting("--customer", "CODE", help: "whose facts it tells"),
                Setting(
                    "--about", "NAME", help: "an invoice's or credit note's number, a subscription's or metric's code"),
                Setting("--language", "CODE", help: "in place of the customer's: de"),
                Setting(switch: "--html", help: "the HTML part in place of the text"), .mailTemplates,
            ] + Setting.payLinks,
            run: MailCommands.preview),
        Commands.Command(
            "mail templates", "Checks the mail templates; with a folder, writes the program's own there to be edited.",
            operands: ["FOLDER"], settings: [.mailTemplates],
            discussion: "Point BILLWRIGHT_MAIL_TEMPLATES at a folder with the files that you have changed.",
            run: MailCommands.templates),
    ]
}

private enum MailCommands {
    @Sendable static func list(_ arguments: Arguments) async throws -> Int32 {
        let limit = try arguments.pageLimit
        let states =
            arguments.text("--state") == nil ? nil : [try arguments.choice("--state", MailRecord.State.self)]
        return try await BooksDesk.run(arguments, as: "mail") { desk in
            var customer: CustomerKey?
            if let code = arguments.text("--customer") { customer = try await desk.customer(code).key }
            var after: (CustomerKey, Int)?
            if let name = arguments.text("--after") { after = try await desk.mail(named: name) }
            let page = try await desk.inspection.mails(
                of: desk.seller.id, customer: customer, states: states, after: after, limit: limit)
            if arguments.isOn("--json") {
                Terminal.print(JSONValue.array(page.map(\.json)).text())
                return 0
            }
            TextTable(
                page.map {
                    [
                        $0.name, $0.state.rawValue, "\($0.tries) tries", $0.template.rawValue, $0.subject, "\($0.at)",
                        $0.recipient, $0.reply ?? "",
                    ]
                }
            ).print()
            if page.isEmpty { Terminal.print("no such mails") }
            if page.count == limit, let last = page.last { Terminal.print("more: --after \(last.name)") }
            return 0
        }
    }

    @Sendable static func resend(_ arguments: Arguments) async throws -> Int32 {
        let name = try arguments.operand("a mail, as acme/3", of: "mail resend")
        let reason = try arguments.required("--reason")
        return try await BooksDesk.run(arguments, as: "mail") { desk in
            let (customer, ordinal) = try await desk.mail(named: name)
            try await desk.transaction { work in
                try await work.resendMail(ordinal, of: customer, by: arguments.person, why: reason)
            }
            Terminal.print("\(name) is sent once more")
            return 0
        }
    }

    @Sendable static func bounce(_ arguments: Arguments) async throws -> Int32 {
        let given = try arguments.operand("an address or a Message-ID", of: "mail bounce")
        let reason = try arguments.required("--reason")
        return try await BooksDesk.run(arguments, as: "mail") { desk in
            let (seller, person) = (desk.seller.id, arguments.person)
            let named = String(given.drop { $0 == "<" }.prefix { $0 != ">" })
            let address = try await desk.transaction { work in
                if let address = try await work.bounceMail(named, of: seller, by: person, why: reason) {
                    return address
                }
                guard named.contains("@"), !named.hasSuffix("@") else {
                    throw OperationFault(.notFound, "\(given) is neither a mail that was sent nor an address")
                }
                try await work.markBounced(named, of: seller, by: person, why: reason)
                return named
            }
            Terminal.print("nothing is written to \(address) until 'billwright mail unbounce \(address)'")
            return 0
        }
    }

    @Sendable static func unbounce(_ arguments: Arguments) async throws -> Int32 {
        let address = try arguments.operand("an address", of: "mail unbounce")
        return try await BooksDesk.run(arguments, as: "mail") { desk in
            let seller = desk.seller.id
            let lifted = try await desk.transaction { work in
                try await work.liftBounce(address, of: seller, by: arguments.person)
            }
            guard lifted else { throw OperationFault(.notFound, "\(address) is not marked") }
            Terminal.print(
                "\(address) is written to again; 'billwright mail list --state suppressed' has what was not sent")
            return 0
        }
    }

    @Sendable static func preview(_ arguments: Arguments) async throws -> Int32 {
        let name = try arguments.operand("a template", of: "mail preview")
        guard let template = Mail.Template(rawValue: name) else {
            throw UsageError(
                "there is no mail '\(name)'; there are \(Mail.Template.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
        let code = try arguments.required("--customer")
        let writer = try arguments.mailWriter()
        return try await BooksDesk.run(arguments, as: "mail") { desk in
            let customer = try await desk.customer(code).key
            guard
                let mail = try await desk.inspection.unwrittenMail(
                    template, about: arguments.text("--about"), of: customer, at: desk.now)
            else {
                throw OperationFault(.notFound, "\(code) has nothing that such a mail is about; name it with --about")
            }
            let words = try writer.words(of: mail, in: arguments.text("--language"))
            if arguments.isOn("--html") {
                Terminal.print(words.html)
            } else {
                Terminal.print("To: \(mail.recipient)\nSubject: \(words.subject)\n\n\(words.text)")
            }
            return 0
        }
    }

    @Sendable static func templates(_ arguments: Arguments) async throws -> Int32 {
        let templates = try arguments.mailTemplates()
        guard let folder = arguments.operands.first else {
            Terminal.print("no faults found; languages: \(templates.codes.joined(separator: ", "))")
            return 0
        }
        let count = try TemplateFolder(folder).writeShipped()
        Terminal.print("\(count) files written to \(folder)")
        return 0
    }
}

extension BooksDesk {
    /// `acme/3`.
    fileprivate func mail(named name: String) async throws -> (customer: CustomerKey, ordinal: Int) {
        let parts = name.split(separator: "/")
        guard parts.count == 2, let ordinal = Int(parts[1]), ordinal >= 0 else {
            throw UsageError("'\(name)' is no mail; name its customer and its place, as acme/3")
        }
        return (try await customer(String(parts[0])).key, ordinal)
    }
}

extension MailEntry {
    fileprivate var name: String { "\(customerCode)/\(ordinal)" }

    fileprivate var json: JSONValue {
        .present([
            "mail": .string(name), "customer": .string(customerCode), "template": .string(template.rawValue),
            "subject": .string(subject), "at": .text(at), "recipient": .string(recipient),
            "state": .string(state.rawValue), "tries": .integer(Int64(tries)), "reply": reply.map { .string($0) },
            "settled_at": settledAt.map { .text($0) }, "message_id": .string(messageID),
        ])
    }
}
