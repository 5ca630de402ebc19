import Testing

@testable import Sandboxes

@Suite struct SMTPSessionTests {
    /// Feeds the lines; answers the codes said, 0 for none, and the mails.
    private func converse(_ lines: [String], sizeLimit: Int = 1000) -> (codes: [Int], mails: [SMTPSession.Mail]) {
        var session = SMTPSession(sizeLimit: sizeLimit)
        var codes: [Int] = []
        var mails: [SMTPSession.Mail] = []
        for line in lines {
            switch session.receive(Array(line.utf8)) {
            case .readOn: codes.append(0)
            case .reply(let reply), .close(let reply): codes.append(Int(reply.prefix(3)) ?? -1)
            case .deliver(let mail):
                codes.append(250)
                mails.append(mail)
            }
        }
        return (codes, mails)
    }

    private static let opening = ["EHLO me", "MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>", "DATA"]

    @Test func `a mail keeps its text, with the dots restored`() {
        let (codes, mails) = converse(Self.opening + ["Subject: x", "", "..", "..two", ".", "QUIT"])
        #expect(codes == [250, 250, 250, 354, 0, 0, 0, 0, 250, 221])
        let text = Array("Subject: x\r\n\r\n.\r\n.two\r\n".utf8)
        #expect(mails == [SMTPSession.Mail(sender: "a@x.example", recipients: ["b@y.example"], text: text)])
    }

    @Test(arguments: [
        (["MAIL FROM:<a@x.example>"], 503), (["EHLO me", "RCPT TO:<a@x.example>"], 503), (["EHLO me", "DATA"], 503),
        (["EHLO me", "MAIL FROM:<a@x.example>", "DATA"], 503), (["EHLO"], 501), (["EHLO me", "MAIL FROM:a@x"], 501),
        (["EHLO me", "MAIL FROM:<>", "RCPT TO:<nobody>"], 501), (["EHLO me", "MAIL FROM:<> SIZE=1001"], 552),
        (["EHLO me", "MAIL FROM:<> SIZE=x"], 501), (["EHLO me", "MAIL FROM:<> RET=FULL"], 555),
        (["EHLO me", "MAIL FROM:<> BODY=8BITMIME SIZE=1000"], 250), (["ehlo me", "mail from:<>"], 250),
        (["EHLO me", "MAIL FROM:<>", "RCPT TO:<bounce550@x>"], 550),
        (["EHLO me", "MAIL FROM:<>", "RCPT TO:<grey451@x>"], 451),
        (["EHLO me", "MAIL FROM:<>", "MAIL FROM:<>"], 503), (["EHLO me", "MAIL FROM:<>", "RSET", "MAIL FROM:<>"], 250),
        (["NOOP"], 250), (["BDAT 5"], 502), ([""], 502), (["EHLO me", "MAIL FROM:<a@x\u{e9}>"], 500),
        ([String(repeating: "x", count: 511)], 500), (["EHLO me\nMAIL FROM:<a@x>"], 500), (["HELO me"], 250),
    ])
    func `each command has its time and its form`(lines: [String], code: Int) {
        #expect(converse(lines).codes.last == code)
    }

    @Test(arguments: [
        (["a bare\nline feed"], 554), (["a bare\rreturn"], 554), ([".\n"], 554), (["\n."], 554),
        ([String(repeating: "x", count: 1001)], 554), ([String(repeating: "x", count: 998)], 250),
        ([String(repeating: "x", count: 500), String(repeating: "y", count: 500)], 552),
    ])
    func `a text that is refused is read to its end and kept nowhere`(text: [String], code: Int) {
        let (codes, mails) = converse(Self.opening + text + [".", "MAIL FROM:<>"])
        #expect(codes.dropLast().last == code)
        #expect(mails.count == (code == 250 ? 1 : 0))
        #expect(codes.last == 250)
    }

    @Test func `recipients are limited`() {
        let lines = (1...101).map { "RCPT TO:<\($0)@x.example>" }
        #expect(converse(["EHLO me", "MAIL FROM:<>"] + lines).codes.suffix(2) == [250, 452])
    }
}
