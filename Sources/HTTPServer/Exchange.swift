internal import CMicroHTTPD
internal import HTTPTypes
internal import Synchronization

/// One request and its answer, from the request line until the last byte of the answer is sent.
///
/// The library's threads fill it and send from it; in between a task runs the handler while the connection is
/// suspended. It is never used by both at once: suspending hands it over, resuming hands it back.
final class Exchange: Sendable {
    /// A connection the library owns.
    ///
    /// `@unchecked Sendable`: the one thing done with it off the library's threads is MHD_resume_connection, which the
    /// library allows from any thread while the connection is suspended, and it cannot go away while it is.
    @safe struct Connection: @unchecked Sendable {
        private let handle: OpaquePointer

        init(_ handle: OpaquePointer) { unsafe self.handle = handle }

        func suspend() { unsafe MHD_suspend_connection(handle) }

        func resume() { unsafe MHD_resume_connection(handle) }

        var fields: HTTPFields {
            let fields = FieldCollector()
            let context = unsafe Unmanaged.passUnretained(fields).toOpaque()
            unsafe billwright_mhd_fields(handle, fieldArrived, context)
            return fields.fields
        }

        /// False when the answer cannot be sent; the library then closes the connection.
        func queue(_ answer: HTTPServerResponse) -> Bool {
            if answer.delivery == .closeWithoutAnswer { return false }
            // An address even for no bytes.
            let bytes = answer.body.isEmpty ? [0] : answer.body
            let made = unsafe bytes.withUnsafeBytes {
                unsafe billwright_mhd_response($0.baseAddress, answer.body.count)
            }
            guard let response = unsafe made else { return false }
            defer { unsafe MHD_destroy_response(response) }
            for field in answer.headers.fields {
                guard unsafe MHD_add_response_header(response, field.name, field.value) == billwright_mhd_yes else {
                    return false
                }
            }
            return unsafe MHD_queue_response(handle, UInt32(answer.status), response) == billwright_mhd_yes
        }
    }

    private struct State {
        var connection: Connection?
        var body: [UInt8] = []
        var discarded = 0
        var hasStarted = false
        var isSuspended = false
        var isAbandoned: Bool
        var answer: HTTPServerResponse?
        var task: Task<Void, Never>?
    }

    /// What the library's thread is to do after a call of its access handler.
    enum Step {
        case readOn
        case start
        case send(HTTPServerResponse)
        case drop
    }

    private let target: String
    private let bodyLimit: Int
    private let state: Mutex<State>

    /// An exchange that begins while the server is closing is abandoned from the start.
    init(target: String, bodyLimit: Int, isAbandoned: Bool) {
        self.target = target
        self.bodyLimit = bodyLimit
        state = Mutex(State(isAbandoned: isAbandoned))
    }

    /// Called at each step of the request's arrival; `upload` is empty in the first call, in the last, and whenever the
    /// connection was resumed.
    func advance(upload: some Collection<UInt8>) -> Step {
        state.withLock { state in
            guard state.hasStarted else {
                state.hasStarted = true
                return .readOn
            }
            if !upload.isEmpty { return take(upload, &state) }
            if let answer = state.answer { return .send(answer) }
            // Woken without an answer: nobody but `finish` resumes, so this is the end of the upload.
            return state.discarded > 0 ? .send(.text("the body is too large\n", status: 413)) : .start
        }
    }

    /// The library can answer only before the body or behind it, so what is too much is read and thrown away, up to a
    /// point where the client is not worth an answer.
    private func take(_ upload: some Collection<UInt8>, _ state: inout State) -> Step {
        if state.discarded == 0 && state.body.count + upload.count <= bodyLimit {
            state.body.append(contentsOf: upload)
            return .readOn
        }
        state.body = []
        state.discarded += upload.count
        return state.discarded > 8 * bodyLimit + 1 << 20 ? .drop : .readOn
    }

    /// Suspends the connection and runs `handler` in a task of its own; answers what to send at once when there is
    /// nothing to run. Called on the library's thread.
    ///
    /// Suspending and resuming happen under the lock: the server must not be closed between a decision and its deed.
    func run(
        on connection: Connection, method: String,
        handler: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    ) -> HTTPServerResponse? {
        let fields = connection.fields
        let body = state.withLock { $0.body }
        guard let request = HTTPServerRequest(method: method, target: target, headers: fields, body: body) else {
            return .text("not a path\n", status: 400)
        }
        return state.withLock { state in
            if state.isAbandoned { return Self.stopping }
            state.body = []
            state.connection = connection
            state.isSuspended = true
            connection.suspend()
            state.task = Task { self.finish(await handler(request)) }
            return nil
        }
    }

    /// Cancels the handler and answers 503 in its place.
    func abandon() {
        let task = state.withLock { state in
            state.isAbandoned = true
            return state.task
        }
        task?.cancel()
        finish(Self.stopping)
    }

    /// Sets the answer, unless there is one, and lets the library send it.
    private func finish(_ answer: HTTPServerResponse) {
        let answer = Self.sendable(answer)
        state.withLock { state in
            guard state.isSuspended, state.answer == nil else { return }
            state.isSuspended = false
            state.answer = answer
            state.connection?.resume()
        }
    }

    private static var stopping: HTTPServerResponse { .text("the server is stopping\n", status: 503) }

    private static func sendable(_ answer: HTTPServerResponse) -> HTTPServerResponse {
        guard answer.headers.firstInvalid == nil else {
            return .text("the answer held a header that must not be sent\n", status: 500)
        }
        var answer = answer
        // The library writes these itself; a second one would be a second opinion on where the answer ends.
        for name in ["Content-Length", "Transfer-Encoding", "Connection", "Date"] { answer.headers[name] = nil }
        return answer
    }
}

private final class FieldCollector {
    var fields = HTTPFields()
}

private func fieldArrived(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?,
    _ value: UnsafePointer<CChar>?
) -> MHD_Result {
    guard let context = unsafe context, let name = unsafe name else { return billwright_mhd_no }
    let collector = unsafe Unmanaged<FieldCollector>.fromOpaque(context).takeUnretainedValue()
    let text = if let value = unsafe value { unsafe String(cString: value) } else { "" }
    unsafe collector.fields.append(String(cString: name), text)
    return billwright_mhd_yes
}
