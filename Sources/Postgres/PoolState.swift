/// The pool's decisions, apart from carrying them out: who gets a connection, who waits, in which order.
///
/// A place is the right to have one connection. There are `size` of them; whoever holds one has a connection or makes
/// one.
struct PoolState<Connection> {
    enum Lease {
        /// A place, with an idle connection if there is one.
        case granted(Connection?)
        /// All places are taken: the caller waits behind those who came before.
        case queued
        case refused
    }

    enum Return {
        /// Hand the place, and the connection if it is still good, to the caller who has waited longest.
        case resume(Int, Connection?)
        /// Nobody waits. A connection that is to be closed comes back.
        case keep(close: Connection?)
    }

    let size: Int
    private(set) var idle: [Connection] = []
    private(set) var leased = 0
    private(set) var waiting: [Int] = []
    private(set) var isClosed = false

    init(size: Int) { self.size = size }

    var isDrained: Bool { isClosed && leased == 0 }

    mutating func lease(_ caller: Int) -> Lease {
        guard !isClosed else { return .refused }
        guard leased < size else {
            waiting.append(caller)
            return .queued
        }
        leased += 1
        // The one used last: its server process is warm, and the others age until they are noticed.
        return .granted(idle.popLast())
    }

    /// Takes a place back; nil when its connection is gone.
    mutating func giveBack(_ connection: Connection?) -> Return {
        if !waiting.isEmpty { return .resume(waiting.removeFirst(), connection) }
        leased -= 1
        guard let connection, !isClosed else { return .keep(close: connection) }
        idle.append(connection)
        return .keep(close: nil)
    }

    /// The caller no longer waits. False when it has been given a place already.
    mutating func forget(_ caller: Int) -> Bool {
        guard let index = waiting.firstIndex(of: caller) else { return false }
        waiting.remove(at: index)
        return true
    }

    /// Nobody gets a place from now on. Returns who waited and what lay idle.
    mutating func close() -> (waiting: [Int], idle: [Connection]) {
        isClosed = true
        defer {
            waiting = []
            idle = []
        }
        return (waiting, idle)
    }
}
