import Crypto
import Testing

@Suite struct TimedSignatureTests {
    private static let body = Array(#"{"id":"evt_1"}"#.utf8)
    private static let now: Int64 = 1_764_000_000

    private static func verify(
        _ header: String, body: [UInt8] = body, secrets: [String] = ["whsec_a"], now: Int64 = now
    ) -> TimedSignature.Fault? {
        do throws(TimedSignature.Fault) {
            try TimedSignature.verify(body, header: header, by: secrets, now: now)
            return nil
        } catch { return error }
    }

    private static func signed(by secrets: [String] = ["whsec_a"]) -> String {
        TimedSignature.sign(body, by: secrets, at: now)
    }

    @Test func `what one of our secrets signed is taken, whichever it was`() {
        #expect(Self.verify(Self.signed()) == nil)
        #expect(Self.verify(Self.signed(), secrets: ["whsec_b", "whsec_a"]) == nil)
        #expect(Self.verify(Self.signed(by: ["whsec_b", "whsec_a"])) == nil)
        #expect(Self.verify(Self.signed() + ",v0=00,scheme=new") == nil)
    }

    @Test(arguments: [-300, 300, -301, 301])
    func `it is good for five minutes, either way`(skew: Int64) {
        #expect(Self.verify(Self.signed(), now: Self.now + skew) == (abs(skew) > 300 ? .stale : nil))
    }

    @Test func `anything else is forged, also when it is stale`() {
        let header = Self.signed()
        #expect(Self.verify(header, body: Self.body + [32]) == .forged)
        #expect(Self.verify(header, secrets: ["whsec_b"]) == .forged)
        #expect(Self.verify(header, secrets: []) == .forged)
        #expect(Self.verify(header, secrets: ["whsec_b"], now: Self.now + 9999) == .forged)
        let code = header.split(separator: "=").last.map(String.init) ?? ""
        for bad in [
            "", "t=\(Self.now)", "v1=\(code)", "t=x,v1=\(code)", "t=\(Self.now),v0=\(code)", "t=\(Self.now),v1=",
            "t=\(Self.now + 1),v1=\(code)", "t=\(Self.now),t=1,v1=\(code)", header + ",junk",
            "t=-9223372036854775808,v1=00",
            "t=\(Self.now)" + String(repeating: ",v1=\(code)", count: 60),
        ] {
            #expect(Self.verify(bad) == .forged, "\(bad)")
        }
    }
}
