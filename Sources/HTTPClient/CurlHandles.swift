internal import CCurl

/// One libcurl transfer handle: it owns everything libcurl points at, and frees it behind the handle.
@safe struct EasyHandle: ~Copyable {
    private let handle: UnsafeMutableRawPointer
    private let list: UnsafeMutablePointer<curl_slist>?
    private let places: UnsafeMutablePointer<curl_slist>?
    private let buffers: TransferBuffers
    private let errorText: UnsafeMutablePointer<CChar>

    /// Nil when libcurl is out of memory or refuses an option; a transfer with a missing option is never started, for
    /// the missing one may be the check of the certificate.
    static func prepare(_ plan: TransferPlan, id: UInt) -> EasyHandle? {
        guard CurlLibrary.isReady, let handle = unsafe curl_easy_init() else { return nil }
        var options = unsafe EasyOptions(handle)
        let easy = unsafe EasyHandle(handle, plan, id: id, &options)
        if options.hasFailed { return nil }
        return consume easy
    }

    private init(_ handle: UnsafeMutableRawPointer, _ plan: TransferPlan, id: UInt, _ options: inout EasyOptions) {
        unsafe self.handle = unsafe handle
        buffers = TransferBuffers(plan)
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        options.set(plan)
        unsafe options.connect(buffers, errorText: errorText, id: id)
        unsafe list = options.list
        unsafe places = options.places
    }

    deinit {
        unsafe curl_easy_cleanup(handle)
        unsafe curl_slist_free_all(list)
        unsafe curl_slist_free_all(places)
        unsafe errorText.deallocate()
    }

    /// Ends a mail so that its server takes nothing for a whole one; false when this is no mail.
    ///
    /// A mail that is merely removed gets its closing dot from libcurl, which then waits for the reply and blocks the
    /// thread: the server would deliver half a mail. One that has run out of time has its connection closed instead.
    func cutOff() -> Bool {
        guard buffers.isMail else { return false }
        _ = unsafe billwright_curl_set_total_timeout_ms(handle, 1)
        return true
    }

    fileprivate var pointer: UnsafeMutableRawPointer { unsafe handle }

    /// What there is to say once libcurl is done with the transfer, or has been told to drop it.
    func report(_ ending: TransferReport.Ending) -> TransferReport {
        var status = 0
        var sent = 0
        _ = unsafe billwright_curl_response_code(handle, &status)
        _ = unsafe billwright_curl_request_size(handle, &sent)
        var report = TransferReport(ending: buffers.isOverLimit ? .responseTooLarge : ending)
        report.message = unsafe String(cString: errorText)
        if report.message.isEmpty, case .failed(let code) = ending {
            report.message = unsafe String(cString: curl_easy_strerror(CURLcode(code)))
        }
        report.status = status
        report.requestBytesSent = sent
        report.hasDataBegun = buffers.uploadPosition > 0
        report.headerLines = buffers.headerLines
        report.body = buffers.body
        return report
    }
}

/// libcurl's set of running transfers and of connections kept for the next one. One thread owns it and no other sees it.
@safe struct MultiHandle: ~Copyable {
    /// How long `wait` rests at most when nobody calls; a bound on the unforeseen, not a rhythm anything relies on.
    private static let longestWait = Duration.seconds(1)

    private let handle: UnsafeMutableRawPointer

    init(keptConnections: Int) {
        guard CurlLibrary.isReady, let handle = unsafe curl_multi_init() else {
            preconditionFailure("libcurl cannot be initialised")
        }
        unsafe self.handle = unsafe handle
        _ = unsafe billwright_curl_set_kept_connections(handle, keptConnections)
    }

    deinit { unsafe curl_multi_cleanup(handle) }

    func add(_ easy: borrowing EasyHandle) -> Bool { unsafe curl_multi_add_handle(handle, easy.pointer) == CURLM_OK }

    func remove(_ easy: borrowing EasyHandle) { unsafe curl_multi_remove_handle(handle, easy.pointer) }

    /// Moves every transfer as far as it will go without waiting; answers those that ended, with libcurl's code.
    func perform() -> [(id: UInt, code: UInt32)] {
        var running: CInt = 0
        _ = unsafe curl_multi_perform(handle, &running)
        var ended: [(id: UInt, code: UInt32)] = []
        var remaining: CInt = 0
        while let message = unsafe curl_multi_info_read(handle, &remaining) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            var id: UnsafeMutableRawPointer?
            _ = unsafe billwright_curl_private(message.pointee.easy_handle, &id)
            unsafe ended.append((id: UInt(bitPattern: id), code: message.pointee.data.result.rawValue))
        }
        return ended
    }

    /// Rests until a socket has news, libcurl's next time-out is due, or `wakeups` (an eventfd) is written to.
    func wait(wakeups: CInt) {
        var extra = curl_waitfd(fd: wakeups, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        var ready: CInt = 0
        _ = unsafe curl_multi_poll(handle, &extra, 1, CInt(Self.longestWait.milliseconds), &ready)
    }
}

/// libcurl's process-wide set-up, done once and before the first handle.
private enum CurlLibrary {
    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}
