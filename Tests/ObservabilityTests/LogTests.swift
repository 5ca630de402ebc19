import Observability
import Synchronization
import Testing

@Suite struct LogTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private final class Calls: Sendable {
        private let count = Atomic<Int>(0)
        var all: Int { count.load(ordering: .relaxed) }
        func text(_ text: String) -> String {
            count.add(1, ordering: .relaxed)
            return text
        }
    }

    @Test(arguments: [
        (Log.Level.debug, ["debug", "info", "warning", "error"]), (.info, ["info", "warning", "error"]),
        (.warning, ["warning", "error"]), (.error, ["error"]),
    ])
    func `what is below the threshold is neither written nor built`(threshold: Log.Level, levels: [String]) {
        let lines = Lines()
        let calls = Calls()
        let log = Log(component: "c", threshold: threshold, style: .text) { lines.add($0) }
        log.debug(calls.text("m"), ["a": calls.text("1")])
        log.info(calls.text("m"), ["a": calls.text("1")])
        log.warning(calls.text("m"), ["a": calls.text("1")])
        log.error(calls.text("m"), ["a": calls.text("1")])
        #expect(lines.all == levels.map { $0 == "info" ? "c: m a=1" : "c: \($0): m a=1" })
        #expect(calls.all == 2 * levels.count)
    }

    @Test(arguments: [Log.Style.json, .text])
    func `what is too long is cut, and says so`(style: Log.Style) throws {
        let lines = Lines()
        let log = Log(component: "c", style: style) { lines.add($0) }
        log.error(String(repeating: "ä", count: 5000), ["error": String(repeating: "x", count: 50_000_000)])
        let line = try #require(lines.all.first)
        #expect(line.contains(String(repeating: "ä", count: 4096) + "… (cut, 10000 bytes)"))
        #expect(line.contains(String(repeating: "x", count: 8192) + "… (cut, 50000000 bytes)"))
        #expect(line.utf8.count < 17_000)
    }

    @Test func `a line is one JSON object, its fields in the order they were given`() throws {
        let lines = Lines()
        let log = Log(component: "worker") { lines.add($0) }
        log.error("a \"b\"\n\\", ["z": "1", "a": "\u{1}ü"])
        let line = try #require(lines.all.first)
        let time = /^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",/
        #expect(line.contains(time), "\(line)")
        #expect(
            line.replacing(time, with: "") == #"""
                "level":"error","component":"worker","message":"a \"b\"\n\\","z":"1","a":"\u0001ü"}
                """#)
    }
}
