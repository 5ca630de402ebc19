import Crypto
import Dates
import DocumentStorage
import Foundation
import JudgeSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct SignatureTests {
    private static let credentials = S3Credentials(
        accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

    @Test func `a link is signed as Amazon's published example is`() throws {
        var request = SignedRequest("GET", host: "examplebucket.s3.amazonaws.com", path: ["test.txt"])
        request.presign(
            Self.credentials, region: "us-east-1", seconds: 86_400, at: try Instant(parsing: "2013-05-24T00:00:00Z"))
        #expect(
            request.query.last?.value == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
        #expect(request.encodedPath == "/test.txt")
    }

    @Test func `a request is signed as Amazon's published example is`() throws {
        var request = SignedRequest(
            "PUT", host: "examplebucket.s3.amazonaws.com", path: ["test$file.text"],
            headers: [
                ("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ])
        request.sign(
            Self.credentials, region: "us-east-1", payload: Array("Welcome to Amazon S3.".utf8),
            at: try Instant(parsing: "2013-05-24T00:00:00Z"))
        #expect(
            request.headers.last?.value.hasSuffix(
                "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd") == true)
    }

    private struct Case: Encodable {
        let method, url: String
        let headers: [[String]]
        let body: String
        let token: String?
    }

    @Test(Judge.isHere, arguments: [nil, "session/token+with=signs"])
    func `botocore signs the same, whatever is in path, query and headers`(token: String?) async throws {
        let credentials = S3Credentials(
            accessKey: "AKIAEXAMPLE", secretKey: "secret/with+signs", sessionToken: token)
        var cases: [Case] = []
        for path in [["b", "a b", "é+=&.pdf"], ["b"], ["b", "1", "invoice-A_~-0.pdf"], ["b", "x'()*!$@:,;"]] {
            for query in [[], [("z", "1"), ("a", "é +&="), ("a", ""), ("A", "~/")]] as [[(String, String)]] {
                for isLink in [false, true] {
                    var request = SignedRequest(
                        isLink ? "GET" : "PUT", host: "127.0.0.1:9000", path: path,
                        query: query.map { (name: $0.0, value: $0.1) },
                        headers: isLink ? [] : [("X-Meta", "  two   words "), ("content-type", "application/pdf")])
                    let now = try Instant(parsing: "2026-06-01T12:34:56.789Z")
                    let body = isLink ? "" : "body \(path)"
                    if isLink {
                        request.presign(credentials, region: "eu-central-1", seconds: 3600, at: now)
                    } else {
                        request.sign(credentials, region: "eu-central-1", payload: Array(body.utf8), at: now)
                    }
                    let url = "http://127.0.0.1:9000\(request.encodedPath)?\(request.encodedQuery)"
                    cases.append(
                        Case(
                            method: request.method, url: url, headers: request.headers.map { [$0.name, $0.value] },
                            body: body, token: token))
                }
            }
        }
        let verdict = try await Judge.verdict(of: "s3_signature_judge.py", on: Array(JSONEncoder().encode(cases)))
        #expect(verdict.status == 0, "\(verdict.text)")
        #expect(verdict.text.contains("\(cases.count) signatures agree"), "\(verdict.text)")
    }
}
