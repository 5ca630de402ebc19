internal import Observability
internal import QueueStore
internal import Synchronization

/// Passes on what a gateway says of being called too often, from wherever it is heard to the rate that all workers share.
///
/// The gateway is made from settings before there is a database; until then it is only heard.
final class CallLimits: Sendable {
    private let composition = Mutex<Composition?>(nil)

    func serve(_ composition: Composition) { self.composition.withLock { $0 = composition } }

    func heed(_ pause: Duration) async {
        guard let composition = composition.withLock({ $0 }) else { return }
        composition.log.warning(
            "the gateway says it is called too often; nobody calls it for a while", ["pause": "\(pause)"])
        do { try await CallPauses(composition.control).pause("payments", for: pause) } catch {
            composition.log.error("the pause was not written down: others go on calling", ["error": "\(error)"])
        }
    }
}
