import BillingPorts
import Crypto
import Dates
import DocumentStorage
import Foundation
import JudgeSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FolderStoreTests {
    private static func key(_ text: String = "1/invoice-ACME-0001-5f.pdf") throws -> DocumentKey {
        try #require(DocumentKey(text))
    }

    @Test func `what is kept is read back, in a folder of its seller that only we may enter`() async throws {
        let folder = try TemporaryFolder()
        let store = FolderStore(folder: folder.path("deep/documents"))
        let stored = try await store.keep(Array("one".utf8), under: Self.key())
        #expect(stored == StoredBytes(sha256: sha256("one".utf8), count: 3))
        #expect(try await store.bytes(under: Self.key()) == Array("one".utf8))
        let path = folder.path("deep/documents/1")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["invoice-ACME-0001-5f.pdf"])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    @Test func `the first bytes under a key stay`() async throws {
        let store = FolderStore(folder: try TemporaryFolder().path("documents"))
        _ = try await store.keep(Array("one".utf8), under: Self.key())
        let second = try await store.keep(Array("other".utf8), under: Self.key())
        #expect(second == StoredBytes(sha256: sha256("one".utf8), count: 3))
    }

    @Test func `many who keep the same document at a time agree on one`() async throws {
        let folder = try TemporaryFolder().path("documents")
        let key = try Self.key()
        let stored = try await withThrowingTaskGroup(of: StoredBytes.self) { group in
            for number in 0..<20 {
                group.addTask { try await FolderStore(folder: folder).keep(Array("\(number)".utf8), under: key) }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(stored.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/1").count == 1)
    }

    @Test func `what is missing is told by its key, and a folder that cannot be written by its path`() async throws {
        let folder = try TemporaryFolder()
        let key = try Self.key()
        let missing = await #expect(throws: DocumentMissing.self) {
            try await FolderStore(folder: folder.path("none")).bytes(under: key)
        }
        #expect(missing?.description == "no document is kept under 1/invoice-ACME-0001-5f.pdf")
        try Data().write(to: URL(filePath: folder.path("file")))
        let fault = await #expect(throws: StorageFault.self) {
            try await FolderStore(folder: folder.path("file")).keep([1], under: key)
        }
        #expect(fault?.description.hasSuffix("/file/1: Not a directory") == true, "\(fault?.description ?? "")")
    }

    @Test func `a folder has no links`() throws {
        let store = FolderStore(folder: "/nowhere")
        #expect(
            store.link(to: try Self.key(), as: "a.pdf", for: .seconds(60), now: Instant(microseconds: 0)) == nil)
    }

    @Test(arguments: ["", "a", "a/", "/a", "../a", "1/../../etc", "1/.x", "1/a b", "1/ä", "1/a\u{0}", "1//a"])
    func `no key leads out of the store`(text: String) { #expect(DocumentKey(text) == nil) }
}
