internal import Commands
internal import Runtime
internal import Sandboxes

extension Command {
    static let sandboxStripe = Command(
        "sandbox stripe", "Stands in for Stripe on loopback, for people without an account. Moves no money.",
        settings: [
            Setting("--port", "N", default: "12111", help: "0 takes a free one"),
            Setting("--journal", "FILE", default: "stripe.jsonl", help: "where it keeps what it was asked to charge"),
            Setting("--rate", "N", help: "requests a second, beyond which it answers 429; unlimited unless set"),
            Setting("--webhook-url", "URL", help: "where it sends signed events"),
            Setting(
                "--webhook-secret", "SECRET", variable: "STRIPE_WEBHOOK_SECRET", help: "whsec_…, signs the events"),
        ],
        discussion: "It takes Stripe's published test payment methods, such as pm_card_visa, and refuses live keys.",
        run: SandboxCommands.stripe)
    static let sandboxMail = Command(
        "sandbox mail", "Stands in for a mail server on loopback: every mail becomes a file.",
        settings: [
            Setting("--port", "N", default: "12125", help: "0 takes a free one"),
            Setting("--folder", "FOLDER", default: "mail", help: "where mails are kept, one .eml file each"),
        ],
        run: SandboxCommands.mail)
}

private enum SandboxCommands {
    @Sendable static func stripe(_ arguments: Arguments) async throws -> Int32 {
        var settings = StripeSandbox.Settings(journal: try arguments.required("--journal"))
        settings.port = try arguments.integer("--port", in: 0...65_535)
        if arguments.text("--rate") != nil {
            settings.requestsPerSecond = try arguments.integer("--rate", in: 1...100_000)
        }
        if let url = arguments.text("--webhook-url") {
            settings.webhook = StripeSandbox.Webhook(url: url, secret: try arguments.required("--webhook-secret"))
        }
        let sandbox = try StripeSandbox(settings)
        Terminal.print("listening on http://127.0.0.1:\(sandbox.port)")
        await untilStopped()
        await sandbox.stop()
        return 0
    }

    @Sendable static func mail(_ arguments: Arguments) async throws -> Int32 {
        var settings = MailSandbox.Settings(folder: try arguments.required("--folder"))
        settings.port = try arguments.integer("--port", in: 0...65_535)
        let sandbox = try MailSandbox(settings)
        Terminal.print("listening on smtp://127.0.0.1:\(sandbox.port)")
        await untilStopped()
        await sandbox.stop()
        return 0
    }

    private static func untilStopped() async {
        let drain = Drain()
        let signals = Signals(drain)
        await drain.wait(for: .draining)
        signals.cancel()
    }
}
