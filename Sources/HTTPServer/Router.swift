internal import HTTPTypes

/// Finds the handler for a method and a path; answers 404 for a path it does not know, 405 with `Allow` for a method.
///
/// A pattern is a path whose segments may be `{name}`, which matches any one segment that is not empty. Patterns are
/// tried in the order they were added. HEAD goes to the handler of GET.
public struct Router: Sendable {
    /// A handler with what stood in its pattern's places.
    public typealias Handler = @Sendable (HTTPServerRequest, [String: String]) async -> HTTPServerResponse

    private struct Route: Sendable {
        let method: String
        let segments: [String]
        let handler: Handler

        func match(_ path: [String]) -> [String: String]? {
            guard path.count == segments.count else { return nil }
            var parameters: [String: String] = [:]
            for (pattern, segment) in zip(segments, path) {
                if pattern.hasPrefix("{") {
                    if segment.isEmpty { return nil }
                    parameters[String(pattern.dropFirst().dropLast())] = segment
                } else if pattern != segment {
                    return nil
                }
            }
            return parameters
        }
    }

    private var routes: [Route] = []

    /// A router that knows no path.
    public init() {}

    /// Adds a route; `pattern` starts with a slash.
    public mutating func on(_ method: String, _ pattern: String, _ handler: @escaping Handler) {
        precondition(pattern.hasPrefix("/"), "a pattern starts with a slash: \(pattern)")
        let segments = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        routes.append(Route(method: method, segments: segments, handler: handler))
    }

    /// Answers the request.
    public func respond(to request: HTTPServerRequest) async -> HTTPServerResponse {
        let wanted = request.method == "HEAD" ? "GET" : request.method
        var allowed: [String] = []
        for route in routes {
            guard let parameters = route.match(request.segments) else { continue }
            if route.method == wanted { return await route.handler(request, parameters) }
            if !allowed.contains(route.method) { allowed.append(route.method) }
        }
        guard !allowed.isEmpty else { return .text("no such path\n", status: 404) }
        if allowed.contains("GET") { allowed.append("HEAD") }
        var response = HTTPServerResponse.text("no such method here\n", status: 405)
        response.headers["Allow"] = allowed.joined(separator: ", ")
        return response
    }
}
