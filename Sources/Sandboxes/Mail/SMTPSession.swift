/// The server's side of one SMTP conversation (RFC 5321), as a value: lines in, replies out, no socket.
///
/// A mail it yields has a sender, at least one recipient, and its text as the sender wrote it, dots restored.
struct SMTPSession {
    struct Mail: Equatable {
        /// Without angle brackets, empty for a bounce.
        var sender: String
        var recipients: [String] = []
        /// With CRLF at the end of every line.
        var text: [UInt8] = []
    }

    /// What the server does after a line.
    enum Step: Equatable {
        /// Nothing yet: the line was one of a mail's text.
        case readOn
        case reply(String)
        /// Stores the mail and replies whether that went well.
        case deliver(Mail)
        /// Replies and closes.
        case close(String)
    }

    private enum Phase: Equatable {
        case greeting
        case ready
        case mail(Mail)
        /// `fault` is the reply that the text has already earned.
        case text(Mail, fault: String?)
    }

    /// A command line of RFC 5321 has 512 bytes, a line of text 1,000; both with their CRLF.
    static let lineLimit = 1000
    private static let recipientLimit = 100

    private let sizeLimit: Int
    private var phase = Phase.greeting

    init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

    /// `line` is without its CRLF. A CR or LF inside it is refused: it is how one mail is made to carry another.
    mutating func receive(_ line: [UInt8]) -> Step {
        if case .text(let mail, let fault) = phase { return receiveText(line, mail, fault) }
        guard line.count <= 510 else { return .reply("500 5.5.2 the line is too long") }
        guard line.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else { return .reply("500 5.5.2 not a command") }
        let text = String(decoding: line, as: UTF8.self)
        let verb = text.prefix { $0 != " " }.uppercased()
        let rest = text.dropFirst(verb.count).drop { $0 == " " }
        switch verb {
        case "EHLO", "HELO": return hello(verb, name: rest)
        case "MAIL": return mail(rest)
        case "RCPT": return recipient(rest)
        case "DATA": return data()
        case "RSET":
            if phase != .greeting { phase = .ready }
            return .reply("250 2.0.0 ok")
        case "NOOP": return .reply("250 2.0.0 ok")
        case "VRFY": return .reply("252 2.5.2 send some mail and see")
        case "QUIT": return .close("221 2.0.0 bye")
        default: return .reply("502 5.5.1 no such command")
        }
    }

    private mutating func hello(_ verb: String, name: some StringProtocol) -> Step {
        guard !name.isEmpty else { return .reply("501 5.5.4 who is it?") }
        phase = .ready
        if verb == "HELO" { return .reply("250 sandbox") }
        return .reply(
            "250-sandbox\r\n250-PIPELINING\r\n250-SIZE \(sizeLimit)\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES")
    }

    private mutating func mail(_ rest: some StringProtocol) -> Step {
        guard phase == .ready else { return .reply("503 5.5.1 not now") }
        guard let (address, parameters) = Self.path(rest, after: "FROM:") else {
            return .reply("501 5.1.7 not a sender")
        }
        for parameter in parameters {
            let pair = parameter.uppercased().split(separator: "=", maxSplits: 1)
            switch pair.first {
            case "SIZE":
                guard let size = Int(pair.last ?? "") else { return .reply("501 5.5.4 not a size") }
                if size > sizeLimit { return .reply("552 5.3.4 the limit is \(sizeLimit) bytes") }
            case "BODY" where ["7BIT", "8BITMIME"].contains(pair.last): break
            default: return .reply("555 5.5.4 no such parameter: \(parameter)")
            }
        }
        phase = .mail(Mail(sender: address))
        return .reply("250 2.1.0 ok")
    }

    private mutating func recipient(_ rest: some StringProtocol) -> Step {
        guard case .mail(var mail) = phase else { return .reply("503 5.5.1 not now") }
        guard let (address, parameters) = Self.path(rest, after: "TO:"), address.contains("@") else {
            return .reply("501 5.1.3 not a recipient")
        }
        guard parameters.isEmpty else { return .reply("555 5.5.4 no parameters here") }
        // The two addresses by which a sender can try out what refusals do.
        if address.hasPrefix("bounce550") { return .reply("550 5.1.1 no such user") }
        if address.hasPrefix("grey451") { return .reply("451 4.7.1 greylisted, try again later") }
        guard mail.recipients.count < Self.recipientLimit else { return .reply("452 4.5.3 too many recipients") }
        mail.recipients.append(address)
        phase = .mail(mail)
        return .reply("250 2.1.5 ok")
    }

    private mutating func data() -> Step {
        guard case .mail(let mail) = phase, !mail.recipients.isEmpty else {
            return .reply("503 5.5.1 nobody to send it to")
        }
        phase = .text(mail, fault: nil)
        return .reply("354 end with a dot on a line of its own")
    }

    private mutating func receiveText(_ line: [UInt8], _ mail: Mail, _ fault: String?) -> Step {
        var mail = mail
        var fault = fault
        // Until it is set anew the phase must not hold a second copy, or each line would copy the whole text.
        phase = .ready
        if line == [UInt8(ascii: ".")] {
            if let fault { return .reply(fault) }
            return .deliver(mail)
        }
        if line.contains(where: { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) {
            fault = "554 5.6.0 a line does not end in CRLF"
        } else if line.count > Self.lineLimit {
            fault = "554 5.6.0 a line is longer than \(Self.lineLimit) bytes"
        } else if mail.text.count + line.count + 2 > sizeLimit {
            fault = "552 5.3.4 the limit is \(sizeLimit) bytes"
        }
        if fault == nil {
            mail.text += line.first == UInt8(ascii: ".") ? line.dropFirst() : line[...]
            mail.text += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
        } else {
            mail.text = []
        }
        phase = .text(mail, fault: fault)
        return .readOn
    }

    /// `FROM:<a@b> SIZE=1`: the address and what follows it.
    private static func path(
        _ text: some StringProtocol, after keyword: String
    ) -> (address: String, parameters: [String])? {
        guard text.prefix(keyword.count).uppercased() == keyword else { return nil }
        let rest = text.dropFirst(keyword.count).drop { $0 == " " }
        guard rest.first == "<", let end = rest.firstIndex(of: ">") else { return nil }
        let address = rest[rest.index(after: rest.startIndex)..<end]
        guard address.utf8.count <= 254, !address.contains(" "), address.isEmpty || address.contains("@") else {
            return nil
        }
        let parameters = String(rest[rest.index(after: end)...]).split(separator: " ").map(String.init)
        return (String(address), parameters)
    }
}
