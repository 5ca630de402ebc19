import HTTPClient
import HTTPServer
import HTTPTypes
import Testing

@Suite(.timeLimit(.minutes(15))) struct RouterTests {
    @Test(arguments: [
        ("GET", "/v1/things", 200, "list"), ("POST", "/v1/things", 200, "create"),
        ("GET", "/v1/things/a%20b", 200, "a b"),
        ("GET", "/v1/things/a/parts", 200, "parts of a"), ("DELETE", "/v1/things/a", 405, "GET, HEAD"),
        ("DELETE", "/v1/things", 405, "GET, POST, HEAD"), ("GET", "/v1/things/", 404, ""), ("GET", "/v1", 404, ""),
        ("GET", "/v1/things/a/parts/b", 404, ""),
    ])
    func `a path and a method find their handler`(method: String, path: String, status: Int, said: String) async throws
    {
        var router = Router()
        router.on("GET", "/v1/things") { _, _ in .text("list") }
        router.on("POST", "/v1/things") { _, _ in .text("create") }
        router.on("GET", "/v1/things/{id}") { _, parameters in .text(parameters["id"] ?? "") }
        router.on("GET", "/v1/things/{id}/parts") { _, parameters in .text("parts of \(parameters["id"] ?? "")") }
        let routes = router
        let server = try HTTPServer { await routes.respond(to: $0) }
        let response = try await HTTPClient().send(
            HTTPRequest(method: method, url: "http://127.0.0.1:\(server.port)\(path)"))
        #expect(response.status == status)
        switch status {
        case 200: #expect(String(decoding: response.body, as: UTF8.self) == said)
        case 405: #expect(response.headers["Allow"] == said)
        default: break
        }
        await server.stop()
    }

    @Test func `a query is decoded item by item, and a broken one is none`() {
        #expect(
            QueryItem.parse("a=1&b=x+y%26z&a=2&c") == [
                QueryItem("a", "1"), QueryItem("b", "x y&z"), QueryItem("a", "2"), QueryItem("c", ""),
            ])
        #expect(QueryItem.parse("a=%2") == nil)
        #expect(QueryItem.parse("") == [])
    }
}
