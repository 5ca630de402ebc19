internal import CCurl

/// Sets a transfer's options and remembers whether libcurl refused one.
@safe struct EasyOptions {
    private let handle: UnsafeMutableRawPointer
    /// The header fields or the recipients; libcurl reads it where it stands, so it is freed after the handle.
    private(set) var list: UnsafeMutablePointer<curl_slist>?
    /// Where to connect; freed with the other.
    private(set) var places: UnsafeMutablePointer<curl_slist>?
    private(set) var hasFailed = false

    init(_ handle: UnsafeMutableRawPointer) { unsafe self.handle = unsafe handle }

    mutating func set(_ plan: TransferPlan) {
        // Without this libcurl times name look-ups by SIGALRM, which in a process of many threads hits any of them.
        unsafe check(billwright_curl_set_no_signal(handle, 1))
        // A proxy named in the environment of whoever started the process would see every request.
        unsafe check(billwright_curl_set_no_proxy(handle, "*"))
        unsafe check(billwright_curl_set_protocols(handle, plan.schemes))
        unsafe check(billwright_curl_set_follow_location(handle, 0))
        unsafe check(billwright_curl_set_url(handle, plan.url))
        unsafe check(billwright_curl_set_tls_version(handle, Int(CURL_SSLVERSION_TLSv1_2)))
        unsafe check(billwright_curl_set_verify_peer(handle, 1))
        unsafe check(billwright_curl_set_verify_host(handle, 2))
        if let place = plan.connectTo {
            unsafe places = unsafe curl_slist_append(nil, place)
            unsafe check(billwright_curl_set_connect_to(handle, places))
            if unsafe places == nil { hasFailed = true }
        }
        if let file = plan.certificateAuthorities { unsafe check(billwright_curl_set_ca_file(handle, file)) }
        unsafe check(billwright_curl_set_connect_timeout_ms(handle, plan.connectTimeout.milliseconds))
        unsafe check(billwright_curl_set_total_timeout_ms(handle, plan.totalTimeout.milliseconds))
        switch plan.exchange {
        case .http(let method, let fields, let body, let isRepeatable):
            setHTTP(method: method, fields: fields, body: body, isRepeatable: isRepeatable)
        case .mail(let from, let to, let data, let requiresStartTLS, let login):
            setMail(from: from, to: to, size: data.count, requiresStartTLS: requiresStartTLS, login: login)
        }
    }

    private mutating func setHTTP(method: String, fields: [String], body: [UInt8], isRepeatable: Bool) {
        unsafe check(billwright_curl_set_http_version(handle, Int(CURL_HTTP_VERSION_1_1)))
        unsafe check(billwright_curl_set_headers(handle, makeList(fields)))
        if method == "HEAD" {
            unsafe check(billwright_curl_set_no_body(handle, 1))
        } else if method != "GET" || !body.isEmpty {
            unsafe check(billwright_curl_set_body_size(handle, curl_off_t(body.count)))
            // An address even for no bytes: libcurl takes null for "read the body from a callback".
            let bytes = body.isEmpty ? [0] : body
            unsafe bytes.withUnsafeBytes { unsafe check(billwright_curl_set_copied_body(handle, $0.baseAddress)) }
            unsafe check(billwright_curl_set_method(handle, method))
        }
        // When a kept connection turns out dead before any answer, libcurl sends the request again on a new one, and
        // the server may have acted on the first. A request that must not run twice starts on a new connection.
        if !isRepeatable { unsafe check(billwright_curl_set_fresh_connect(handle, 1)) }
    }

    private mutating func setMail(
        from: String, to: String, size: Int, requiresStartTLS: Bool, login: SMTPServer.Login?
    ) {
        // Beyond any total time-out of ours, which is the one that counts: libcurl's own default is 120 s.
        unsafe check(billwright_curl_set_reply_timeout_s(handle, 3600))
        unsafe check(billwright_curl_set_upload(handle, 1))
        unsafe check(billwright_curl_set_upload_size(handle, curl_off_t(size)))
        unsafe check(billwright_curl_set_mail_from(handle, "<\(from)>"))
        unsafe check(billwright_curl_set_mail_recipients(handle, makeList(["<\(to)>"])))
        if requiresStartTLS { unsafe check(billwright_curl_set_use_tls(handle, Int(CURLUSESSL_ALL.rawValue))) }
        guard let login else { return }
        unsafe check(billwright_curl_set_user(handle, login.user))
        unsafe check(billwright_curl_set_password(handle, login.password))
    }

    /// Gives libcurl our buffers and callbacks. The owner of the handle keeps both alive as long as the handle.
    mutating func connect(_ buffers: TransferBuffers, errorText: UnsafeMutablePointer<CChar>, id: UInt) {
        unsafe buffers.handle = unsafe handle
        let context = unsafe Unmanaged.passUnretained(buffers).toOpaque()
        unsafe check(billwright_curl_set_error_buffer(handle, errorText))
        unsafe check(billwright_curl_set_private(handle, UnsafeMutableRawPointer(bitPattern: id)))
        unsafe check(billwright_curl_set_write_function(handle, bodyArrived))
        unsafe check(billwright_curl_set_write_context(handle, context))
        unsafe check(billwright_curl_set_header_function(handle, headerArrived))
        unsafe check(billwright_curl_set_header_context(handle, context))
        unsafe check(billwright_curl_set_read_function(handle, uploadWanted))
        unsafe check(billwright_curl_set_read_context(handle, context))
    }

    private mutating func check(_ code: CURLcode) {
        if code != CURLE_OK { hasFailed = true }
    }

    private mutating func makeList(_ lines: [String]) -> UnsafeMutablePointer<curl_slist>? {
        for line in lines {
            guard let longer = unsafe curl_slist_append(list, line) else {
                hasFailed = true
                break
            }
            unsafe list = unsafe longer
        }
        return unsafe list
    }
}

/// What a transfer reads and writes: libcurl's callbacks reach it through their context, on the transfer thread only.
@safe final class TransferBuffers {
    /// Header lines count against this; a server that sends more is not answering, it is filling memory.
    private static let headerLimit = 256 * 1024

    /// The transfer whose buffers these are; valid while libcurl calls back.
    fileprivate var handle: UnsafeMutableRawPointer?
    let isMail: Bool
    private let upload: [UInt8]
    private let responseLimit: Int
    private var headerSize = 0
    private(set) var uploadPosition = 0
    private(set) var headerLines: [String] = []
    private(set) var body: [UInt8] = []
    private(set) var isOverLimit = false

    init(_ plan: TransferPlan) {
        responseLimit = plan.responseLimit
        if case .mail(_, _, let data, _, _) = plan.exchange {
            upload = data
            isMail = true
        } else {
            upload = []
            isMail = false
        }
    }

    fileprivate func append(body bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= responseLimit else {
            isOverLimit = true
            return 0
        }
        unsafe body.append(contentsOf: bytes)
        return bytes.count
    }

    fileprivate func append(header bytes: UnsafeRawBufferPointer) -> Int {
        headerSize += bytes.count
        guard headerSize <= Self.headerLimit else {
            isOverLimit = true
            return 0
        }
        var line = unsafe String(decoding: bytes, as: UTF8.self)
        while line.unicodeScalars.last?.properties.isWhitespace == true { line.unicodeScalars.removeLast() }
        headerLines.append(line)
        if isMail && (line.hasPrefix("4") || line.hasPrefix("5")) { leaveSoon() }
        return bytes.count
    }

    /// After a refusal libcurl says QUIT and blocks this thread, and every other transfer, until the server answers or
    /// the reply time-out passes. The refusal is all we wanted: a second of courtesy is enough.
    private func leaveSoon() { _ = unsafe billwright_curl_set_reply_timeout_s(handle, 1) }

    fileprivate func fill(_ space: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(space.count, upload.count - uploadPosition)
        unsafe upload.withUnsafeBytes { bytes in
            unsafe space.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[uploadPosition..<uploadPosition + count]))
        }
        uploadPosition += count
        return count
    }
}

// libcurl takes an answer other than the number of bytes offered as "stop here".
private func bodyArrived(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let buffers = unsafe Unmanaged<TransferBuffers>.fromOpaque(context).takeUnretainedValue()
    return unsafe buffers.append(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func headerArrived(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let buffers = unsafe Unmanaged<TransferBuffers>.fromOpaque(context).takeUnretainedValue()
    return unsafe buffers.append(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func uploadWanted(
    _ space: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let buffers = unsafe Unmanaged<TransferBuffers>.fromOpaque(context).takeUnretainedValue()
    return unsafe buffers.fill(UnsafeMutableRawBufferPointer(start: space, count: size * count))
}

extension Duration {
    /// Whole milliseconds, at least 1: libcurl reads 0 as "no limit".
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
