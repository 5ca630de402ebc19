public import HTTPTypes

/// One request as it arrived: copied out of the server's memory, whole, within the server's limits.
public struct HTTPServerRequest: Sendable {
    /// The method, as sent.
    public let method: String
    /// The path's segments, each decoded by itself. `/a/b%20c` is `["a", "b c"]`, `/` is `[""]`. None is `.` or `..`,
    /// none holds a slash or a control character: such a request is answered 400 before it gets here.
    public let segments: [String]
    /// What stood behind the question mark, as sent; empty for none.
    public let rawQuery: String
    /// The header fields.
    public let headers: HTTPFields
    /// The body, whole.
    public let body: [UInt8]

    /// The path, decoded, with its leading slash.
    public var path: String { "/" + segments.joined(separator: "/") }

    /// The query's names and values in order; nil when an escape in it is broken. A name without `=` has an empty value.
    public var query: [QueryItem]? { QueryItem.parse(rawQuery) }

    /// Nil when the target is not a path this server would hand to anyone.
    init?(method: String, target: String, headers: HTTPFields, body: [UInt8]) {
        var target = target[...]
        if !target.hasPrefix("/") {
            // A client that believes us to be its proxy sends the whole URL (RFC 9112, section 3.2.2).
            guard let authority = target.range(of: "://") else { return nil }
            target = target[authority.upperBound...].drop { $0 != "/" }
        }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first, path.hasPrefix("/") else { return nil }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let segment = PercentEncoding.decode(part), Self.isSafe(segment) else { return nil }
            segments.append(segment)
        }
        self.method = method
        self.segments = segments
        self.rawQuery = parts.count == 2 ? String(parts[1]) : ""
        self.headers = headers
        self.body = body
    }

    private static func isSafe(_ segment: String) -> Bool {
        segment != "." && segment != ".."
            && !segment.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "/") }
    }
}

extension Substring {
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

/// One name and value of a query string or a form, decoded.
public struct QueryItem: Sendable, Equatable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The items of an `application/x-www-form-urlencoded` text, in order; nil when an escape in it is broken.
    public static func parse(_ text: String) -> [QueryItem]? {
        var items: [QueryItem] = []
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(pair[0], plusIsSpace: true),
                let value = PercentEncoding.decode(pair.count == 2 ? pair[1] : "", plusIsSpace: true)
            else { return nil }
            items.append(QueryItem(name, value))
        }
        return items
    }
}

/// What a handler answers.
public struct HTTPServerResponse: Sendable {
    /// 200 to 599.
    public var status: Int
    /// The server adds `Content-Length`, `Date` and `Connection`. A field that may not be sent makes the answer a 500.
    public var headers: HTTPFields
    /// Left out of the answer to HEAD, but counted in its `Content-Length`.
    public var body: [UInt8]
    /// What the server is to do with the connection.
    public var delivery = Delivery.send

    /// How an answer reaches the client. All but `send` exist for stand-ins that must fail like the real thing.
    public enum Delivery: Sendable {
        /// As usual.
        case send
        /// Not at all: the connection is closed without a byte.
        case closeWithoutAnswer
    }

    public init(status: Int, headers: HTTPFields = [:], body: [UInt8] = []) {
        precondition((200...599).contains(status), "not a final status: \(status)")
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A UTF-8 text answer.
    public static func text(_ text: String, status: Int = 200) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(text.utf8))
    }
}
