/// A program to start: what runs, as whom, and what becomes of its output.
///
/// It is a value; nothing happens until `ChildProcess.start`.
public struct Command: Sendable {
    /// Where a child's standard output and error go. Its standard input is always empty.
    public enum Output: Sendable {
        /// Each line, without its newline, to a function that runs on the child's own thread and may block it.
        case lines(@Sendable (Stream, String) -> Void)
        /// Both streams to the end of this file, which is made with permission 0600 when it is missing.
        case file(String)
        case discarded
    }

    /// Which of the child's streams a line came from.
    public enum Stream: Sendable, Hashable {
        case output
        case error
    }

    /// Absolute path of the program.
    public var executable: String
    public var arguments: [String]
    /// All the variables the child sees. `nil`: those of our own process.
    public var environment: [String: String]?
    /// The child's working directory; `/` unless set, because another user may not be able to enter ours.
    public var directory = "/"
    /// The user it runs as. `nil`: ours. Anybody else takes root.
    public var user: SystemUser?
    /// The signal the kernel sends it when our process is gone, however it went. `nil`: it lives on.
    public var signalWhenWeDie: Signal?
    public var output: Output

    public init(_ executable: String, _ arguments: [String] = [], output: Output = .discarded) {
        self.executable = executable
        self.arguments = arguments
        self.output = output
    }

    /// What is really executed. Changing user and asking for a death signal are calls that only the child can make,
    /// between its start and its program; util-linux's `setpriv` makes them, so that we need no C code in that gap.
    var argumentVector: [String] {
        var privileges: [String] = []
        if let user {
            privileges += ["--reuid=\(user.id)", "--regid=\(user.groupID)", "--init-groups"]
        }
        if let signalWhenWeDie {
            privileges.append("--pdeathsig=\(signalWhenWeDie.name)")
        }
        let program = [executable] + arguments
        return privileges.isEmpty ? program : ["/usr/bin/setpriv"] + privileges + ["--"] + program
    }
}

/// The signals we send.
public enum Signal: CInt, Sendable {
    case hangUp = 1
    case interrupt = 2
    case quit = 3
    case kill = 9
    case terminate = 15
    /// It stands still and cannot object, as on a host that is frozen.
    case stop = 19
    case resume = 18

    /// The name that shells and `setpriv` know it by.
    var name: String {
        switch self {
        case .hangUp: "HUP"
        case .interrupt: "INT"
        case .quit: "QUIT"
        case .kill: "KILL"
        case .terminate: "TERM"
        case .stop: "STOP"
        case .resume: "CONT"
        }
    }
}

/// How a process ended.
public enum Ending: Sendable, Hashable, CustomStringConvertible {
    case code(CInt)
    /// Killed by the signal of this number.
    case signal(CInt)

    public var isSuccess: Bool { self == .code(0) }

    public var description: String {
        switch self {
        case .code(let code): "exit status \(code)"
        case .signal(let number): "killed by signal \(number)"
        }
    }

    /// From the word that `waitpid` fills in: the low seven bits are the signal, the next byte the exit status.
    init(waitStatus: CInt) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .code((waitStatus >> 8) & 0xff) : .signal(signal)
    }
}

/// A program that could not be started.
public struct CannotStart: Error, Hashable, CustomStringConvertible {
    /// The program's path.
    public let executable: String
    /// The system's reason.
    public let reason: String

    public var description: String { "cannot start \(executable): \(reason)" }
}
