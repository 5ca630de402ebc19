internal import Dispatch
internal import Glibc
internal import Runtime

/// Turns SIGTERM and SIGINT into orders to stop: the first drains, the second ends at once.
struct Signals {
    private let sources: [any DispatchSourceSignal]

    init(_ drain: Drain) {
        sources = [SIGTERM, SIGINT].map { number in
            // The default action would end the process before the source is asked.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { drain.advance() }
            source.resume()
            return source
        }
    }

    func cancel() { sources.forEach { $0.cancel() } }
}
