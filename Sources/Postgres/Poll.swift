internal import Glibc

/// Waiting for sockets on a thread that may block, always with a deadline.
enum Poll {
    struct Events: OptionSet {
        let rawValue: Int16
        static let readable = Self(rawValue: Int16(POLLIN))
        static let writable = Self(rawValue: Int16(POLLOUT))
    }

    enum Answer { case ready, woken, late }

    /// Waits until `socket` is ready, `wakeUp` (if any) is readable, or the deadline has passed.
    /// An error on the socket counts as ready: the next call to libpq reports it.
    static func wait(
        _ socket: CInt, for events: Events, until deadline: ContinuousClock.Instant, wakeUp: CInt = -1
    ) -> Answer {
        // poll(2) skips negative descriptors.
        var descriptors = [
            pollfd(fd: socket, events: events.rawValue, revents: 0),
            pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return .late }
            // Rounded up: rounding down would spin through the last millisecond.
            let milliseconds =
                min(left.components.seconds, 3600) * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
            guard unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(milliseconds)) > 0 else { continue }
            if descriptors[1].revents != 0 { return .woken }
            if descriptors[0].revents != 0 { return .ready }
        }
    }

    /// Whether `socket` can be read or has failed, right now.
    static func now(_ socket: CInt) -> Bool {
        var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&descriptor, 1, 0) != 0
    }
}
