import Chance
import JobKit
import JudgeSupport
import Testing

@Suite struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test(arguments: [
        ("00-\(trace)-\(span)-01", true), ("00-\(trace)-\(span)-00", false),
        // Flags we do not know say nothing of the one we do.
        ("00-\(trace)-\(span)-03", true), ("00-\(trace)-\(span)-fe", false),
        // Newer versions: as far as we know them.
        ("01-\(trace)-\(span)-01", true), ("cc-\(trace)-\(span)-00-what-the-future-brings", false),
        ("fe-\(trace)-\(span)-01-", true),
    ])
    func `a header is read, and sent on in our own version`(header: String, isSampled: Bool) throws {
        let context = try #require(TraceContext(traceparent: header))
        #expect("\(context.trace)" == Self.trace)
        #expect("\(context.span)" == Self.span)
        #expect(context.isSampled == isSampled)
        #expect(context.traceparent == "00-\(Self.trace)-\(Self.span)-0\(isSampled ? 1 : 0)")
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-0", "00-\(trace)-\(span)-1",
        // Our version ends with the flags.
        "00-\(trace)-\(span)-01-", "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)-011",
        // A newer one goes on behind a dash only, and is not shorter.
        "01-\(trace)-\(span)-01.more", "01-\(trace)-\(span)-011", "01-\(trace)-\(span)-0", "01-\(trace)-\(span)",
        // ff is no version.
        "ff-\(trace)-\(span)-01", "ff-\(trace)-\(span)-01-more",
        // Ids of zeros.
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "01-00000000000000000000000000000000-\(span)-01",
        // Upper case, other digits, signs, other dashes, white space.
        "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-00F067AA0BA902B7-01", "00-\(trace)-\(span)-0A",
        "0A-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01", "00-\(trace)-\(span)-0x", "00-\(trace)-\(span)-+1",
        "00-\(trace)-g0f067aa0ba902b7-01", "00-.bf92f3577b34da6a3ce929d0e0e4736-\(span)-01",
        "00_\(trace)_\(span)_01", "00-\(trace)-\(span)_01", " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01 ",
        "00-\(trace)-\(span)-01\n", "\u{661}0-\(trace)-\(span)-01",
        // The dashes elsewhere.
        "00-\(trace)\(span)--01", "000-\(trace)-\(span)-1", "00-\(trace.dropLast())-\(span)0-01",
    ])
    func `a header that is invalid is none`(header: String) {
        #expect(TraceContext(traceparent: header) == nil)
    }

    @Test func `a child keeps the trace and its flag, and has a span of its own`() throws {
        let parent = try #require(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01"))
        let child = parent.child(span: try #require(SpanID(0xabc)))
        #expect(child.traceparent == "00-\(Self.trace)-0000000000000abc-01")
    }

    @Test func `zero is no id`() {
        #expect(TraceID(0) == nil)
        #expect(SpanID(0) == nil)
        #expect(TraceID(1)?.description == "00000000000000000000000000000001")
        #expect(TraceID(.max)?.description == "ffffffffffffffffffffffffffffffff")
    }

    @Test(arguments: SeededGenerator.seeds)
    func `ids come from the generator alone, and what is written is read back`(seed: UInt64) {
        var (one, other) = (SeededGenerator(seed: seed), SeededGenerator(seed: seed))
        let context = TraceContext(isSampled: seed.isMultiple(of: 2), using: &one)
        #expect(TraceContext(isSampled: seed.isMultiple(of: 2), using: &other) == context)
        #expect(TraceContext(traceparent: context.traceparent) == context)
        #expect(SpanID(using: &one) != context.span)
    }

    @Test func `what is current reaches the tasks that work for it, and nobody else`() async {
        var generator = SeededGenerator(seed: 1)
        let context = TraceContext(isSampled: true, using: &generator)
        await TraceContext.$current.withValue(context) {
            async let child = TraceContext.current
            #expect(await child == context)
            #expect(await Task.detached { TraceContext.current }.value == nil)
        }
        #expect(TraceContext.current == nil)
    }

    @Test(Judge.isHere, .timeLimit(.minutes(15)))
    func `OpenTelemetry reads every header as we do, damaged ones too`() async throws {
        var generator = SeededGenerator(seed: 42)
        let headers = (0..<4000).map { Self.header($0, &generator) }
        let input = Array(headers.map { $0 + "\n" }.joined().utf8)
        let verdict = try await Judge.verdict(of: "trace_context_judge.py", on: input)
        let lines = verdict.text.split(separator: "\n").map(String.init)
        try #require(verdict.status == 0 && lines.count == headers.count, "\(verdict.text.prefix(500))")
        for (header, theirs) in zip(headers, lines) { #expect(Self.reading(header) == theirs, "\(header)") }
        #expect(lines.contains("none") && lines.count { $0 != "none" } > 1000)
    }

    private static func reading(_ header: String) -> String {
        guard let context = TraceContext(traceparent: header) else { return "none" }
        return "\(context.trace) \(context.span) \(context.isSampled ? "sampled" : "unsampled")"
    }

    /// Every fourth as we write it; the others with up to two bytes changed, dropped or added.
    private static func header(_ number: Int, _ generator: inout SeededGenerator) -> String {
        let context = TraceContext(isSampled: Bool.random(using: &generator), using: &generator)
        var bytes = Array(context.traceparent.utf8)
        let alphabet = Array("0000ffcc1-2A.gF".utf8)
        for _ in 0..<(number % 4 == 0 ? 0 : Int.random(in: 1...2, using: &generator)) {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: bytes.remove(at: at)
            case 1: bytes.insert(byte, at: at)
            case 2: bytes += Array("-\(number)".utf8)
            // The version and the flags, which chance would seldom meet.
            case 3: bytes[Int.random(in: 0...1, using: &generator)] = byte
            case 4: bytes[bytes.count - 1] = byte
            case 5:
                bytes.replaceSubrange(36..<min(52, bytes.count), with: Array(repeating: UInt8(ascii: "0"), count: 16))
            default: bytes[at] = byte
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
