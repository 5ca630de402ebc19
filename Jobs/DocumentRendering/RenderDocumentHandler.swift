public import BillingPorts
public import JobKit

/// Makes documents and keeps each once, under the key that was written down for it before.
public struct RenderDocumentHandler: JobHandler {
    public static let policy = JobPolicy(
        maxAttempts: 15, timeout: .seconds(120), backoff: Backoff(first: .seconds(5), longest: .seconds(3600)),
        whenExhausted: .hold)

    private let renderer: any DocumentRenderer
    private let store: any DocumentStore

    public init(renderer: any DocumentRenderer, store: any DocumentStore) {
        self.renderer = renderer
        self.store = store
    }

    public func run(_ job: Job<RenderDocument>, in context: BillingContext) async throws -> JobOutcome {
        let (customer, arguments) = (job.arguments.customer, job.arguments)
        let references = try await context.transaction { work in
            try await work.documentsToRender(arguments.document, arguments.number, of: customer)
        }
        for reference in references {
            let intended = try await context.transaction { work in
                try await work.intendDocument(reference, of: customer)
            }
            guard let (key, document) = intended else { continue }
            // Whoever was here before and did not come back may have left the file: then that one stays, and counts.
            let stored = try await store.keep(try await renderer.pdf(of: document), under: key)
            try await context.transaction { work in
                try await work.recordDocument(reference, of: customer, stored)
            }
        }
        return context.complete()
    }
}
