import Glibc
import Synchronization
import Testing

@testable import Processes

/// `sh -c` of a script, the shortest way to a child that does something particular.
func shell(_ script: String) -> Command {
    Command("/bin/sh", ["-c", script])
}

@Suite struct ChildProcessTests {
    @Test(arguments: [
        ("exit 0", Ending.code(0)), ("exit 7", .code(7)), ("kill -KILL $$", .signal(9)),
        ("kill -TERM $$", .signal(15)),
    ])
    func `the way a child ends is reported`(script: String, expected: Ending) async throws {
        let child = try await ChildProcess.start(shell(script))
        #expect(await child.exit() == expected)
        #expect(child.ending == expected)
    }

    @Test func `a program that does not exist is an error that names it`() async throws {
        let expected = CannotStart(executable: "/no/such/program", reason: "No such file or directory")
        await #expect(throws: expected) { try await ChildProcess.start(Command("/no/such/program")) }
    }

    @Test func `lines arrive whole and with the stream they came from`() async throws {
        let lines = Mutex<[String]>([])
        var command = shell("echo one; printf two; printf ' and a half\\n'; echo three >&2; printf 'no newline'")
        command.output = .lines { stream, line in lines.withLock { $0.append("\(stream): \(line)") } }
        _ = try await ChildProcess.start(command).exit()
        let all = lines.withLock { $0 }
        #expect(
            all.filter { $0.hasPrefix("output") } == ["output: one", "output: two and a half", "output: no newline"])
        #expect(all.filter { $0.hasPrefix("error") } == ["error: three"])
    }

    @Test func `a grandchild that keeps the pipes open does not keep us waiting`() async throws {
        let (status, lines) = try await ChildProcess.run(shell("sleep 600 & echo $!"))
        #expect(status.isSuccess)
        let grandchild = try #require(lines.first.flatMap { CInt($0) })
        #expect(kill(grandchild, SIGKILL) == 0)
    }

    @Test func `output can go to the end of a file that only its owner reads`() async throws {
        let file = "/tmp/billwright-processes-test.\(getpid())"
        defer { unsafe unlink(file) }
        for word in ["first", "second"] {
            var command = shell("echo \(word)")
            command.output = .file(file)
            _ = try await ChildProcess.start(command).exit()
        }
        let (_, lines) = try await ChildProcess.run(Command("/bin/sh", ["-c", "stat -c %a $0; cat $0", file]))
        #expect(lines == ["600", "first", "second"])
    }

    @Test func `waiting with a limit gives up and leaves the child running`() async throws {
        let child = try await ChildProcess.start(Command("/bin/sleep", ["600"]))
        #expect(await child.exit(within: .milliseconds(10)) == nil)
        #expect(child.ending == nil)
        #expect(await child.stop(.terminate, within: .seconds(60)) == .signal(SIGTERM))
    }

    @Test func `a child that ignores the request is killed with its whole group`() async throws {
        let (lines, feed) = AsyncStream<String>.makeStream()
        var command = shell("trap '' TERM; sleep 600 & echo $!; while :; do wait; done")
        command.output = .lines { _, line in feed.yield(line) }
        let child = try await ChildProcess.start(command)
        var arrived = lines.makeAsyncIterator()
        let grandchild = try #require(await arrived.next().flatMap { CInt($0) })
        #expect(await child.stop(.terminate, within: .milliseconds(10)) == .signal(SIGKILL))
        // Killed, if not yet reaped by whoever inherited it.
        let (_, state) = try await ChildProcess.run(shell("grep State /proc/\(grandchild)/status || echo gone"))
        #expect(state.first.map { $0.contains("Z") || $0 == "gone" } == true)
    }

    @Test func `a cancelled task still waits for the child it stops`() async throws {
        let child = try await ChildProcess.start(Command("/bin/sleep", ["600"]))
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await child.stop(.terminate, within: .seconds(60))
        }
        #expect(await task.value == .signal(SIGTERM))
    }

    @Test func `a child starts with no signal blocked or ignored`() async throws {
        let (_, lines) = try await ChildProcess.run(shell("grep -E 'SigBlk|SigIgn' /proc/self/status"))
        let masks = lines.compactMap { $0.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } }
        // Bit 0 is signal 1; those from 32 on are glibc's own.
        #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
    }

    @Test func `a child has no descriptor of ours`() async throws {
        let (_, lines) = try await ChildProcess.run(Command("/bin/ls", ["/proc/self/fd"]))
        // The fourth is the one that `ls` reads the folder with.
        #expect(lines == ["0", "1", "2", "3"])
    }

    @Test func `a child leads its own process group, so a terminal's Ctrl-C reaches us alone`() async throws {
        let (_, lines) = try await ChildProcess.run(shell("cut -d' ' -f1,5 /proc/$$/stat"))
        let fields = try #require(lines.first).split(separator: " ")
        #expect(fields[0] == fields[1])
    }

    @Test func `the kernel is asked to end a child with us`() async throws {
        let script = "import ctypes; s = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(s)); print(s.value)"
        var command = Command("/usr/bin/python3", ["-c", script])
        command.signalWhenWeDie = .interrupt
        #expect(try await ChildProcess.run(command).lines == ["2"])
    }

    @Test(.enabled(if: SystemUser.current.isRoot, "only root can become somebody else"))
    func `root can start a child as another user, who still ends with us`() async throws {
        let nobody = try #require(SystemUser.named("nobody"))
        let script = """
            import ctypes, os; s = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(s))
            print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), s.value)
            """
        var command = Command("/usr/bin/python3", ["-c", script])
        command.user = nobody
        command.signalWhenWeDie = .kill
        let expected = "\(nobody.id) \(nobody.id) \(nobody.groupID) [\(nobody.groupID)] 9"
        #expect(try await ChildProcess.run(command).lines == [expected])
    }
}
