/// Waits that double from 50 ms to 5 s, each cut by up to half at random so that many clients do not return together.
struct Backoff {
    private var failures = 0

    mutating func reset() { failures = 0 }

    mutating func next() -> Duration {
        let ceiling = min(50 << min(failures, 7), 5000)
        failures += 1
        return .milliseconds(Int.random(in: ceiling / 2...ceiling))
    }
}
