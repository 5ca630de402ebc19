/// One exchange with one server, as libcurl is to perform it: a value that any thread may make.
struct TransferPlan: Sendable {
    enum Exchange: Sendable {
        case http(method: String, fields: [String], body: [UInt8], isRepeatable: Bool)
        case mail(from: String, to: String, data: [UInt8], requiresStartTLS: Bool, login: SMTPServer.Login?)
    }

    var url: String
    /// libcurl's `HOST:PORT:ADDRESS:PORT`; nil: wherever the URL leads.
    var connectTo: String?
    var exchange: Exchange
    /// The schemes libcurl may speak for it, comma-separated: nothing else, whatever the URL says.
    var schemes: String
    var connectTimeout: Duration
    var totalTimeout: Duration
    var responseLimit: Int
    var certificateAuthorities: String?
}

/// What became of a transfer, in libcurl's terms; HTTP and SMTP each give it their own meaning.
struct TransferReport: Sendable {
    enum Ending: Sendable, Equatable {
        case completed
        case failed(code: UInt32)
        case responseTooLarge
        case cancelled
        case timedOutWaiting
        case tooManyWaiting
    }

    var ending: Ending
    /// libcurl's own words, or ours when it never saw the transfer.
    var message = ""
    /// The last status the server gave, 0 when it gave none.
    var status = 0
    /// How many bytes of the HTTP request were handed to the kernel, over all connections tried.
    var requestBytesSent = 0
    /// Whether any byte of the mail was asked for, which libcurl does only after the server said 354.
    var hasDataBegun = false
    var headerLines: [String] = []
    var body: [UInt8] = []
}
