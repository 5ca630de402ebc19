import BillingPorts
import BillingSupport
import Dates
import DocumentStorage
import JobKit
import TestSupport
import Testing

/// A way to a store on which our process may die before bytes leave, or before the answer arrives.
private struct CrashingStore: DocumentStore {
    let store: any DocumentStore
    let crash: CrashTrial

    private struct Dead: Error {}

    func keep(_ bytes: [UInt8], under key: DocumentKey) async throws -> StoredBytes {
        guard crash.survives("before keep") else { throw Dead() }
        let stored = try await store.keep(bytes, under: key)
        guard crash.survives("before the answer to keep") else { throw Dead() }
        return stored
    }

    func bytes(under key: DocumentKey) async throws -> [UInt8] { try await store.bytes(under: key) }

    func link(to key: DocumentKey, as fileName: String, for time: Duration, now: Instant) throws -> String? { nil }
}

@Suite(.database(migrations: BillingFixture.migrations), .timeLimit(.minutes(15)))
struct DocumentRenderingCrashTests {
    @Test(arguments: [1, 2])
    func `each document is kept once, whichever call its worker dies after`(deaths: Int) async throws {
        try await BillingFixture.with { fixture in
            try await fixture.dieAfterEachCall(times: deaths, atLeast: 10, customers: [SampleCustomer()]) { trial in
                let documented = try await Documented(fixture, trial.seller)
                try await fixture.bill(trial.seller)
                let store = CrashingStore(store: documented.store, crash: trial)
                try await trial.drain { documented.handler(store) }
                #expect(
                    try await documented.rows == ["invoice ACME-0001 stored"], trial.comment
                )
                #expect(documented.files == ["invoice-ACME-0001"], trial.comment)
            }
        }
    }
}
