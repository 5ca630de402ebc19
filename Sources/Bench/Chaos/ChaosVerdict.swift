internal import FoundationEssentials
internal import JobKit
internal import Postgres
internal import Synchronization

// The comparison: what the counterpart did, what the history says, what the ledger of effects says.
extension ChaosStage {
    func verdict(took: Duration) async throws -> ChaosReport {
        let tally = tally.withLock { $0 }
        let findings = try await Evidence(pool: pool, acts: CounterpartFile.read(Self.actsFile(in: folder)))
        var report = ChaosReport()
        let jobs = settings.jobs + tally.serverKills + tally.probes
        report.add("jobs", jobs)
        report.add("seconds", took)
        findings.judge(expected: jobs, &report)
        report.add("killed", tally.killed)
        report.add("stopped", tally.stopped)
        report.add("server_restarts", tally.serverRestarts)
        report.add("server_kills", tally.serverKills)
        report.add("connections_cut", tally.connectionsCut)
        report.add("listeners_silenced", relay.counts.silenced)
        report.add("listeners_back", relay.counts.silenced > 0 ? relay.counts.listeners : 0)
        report.add("clock_ahead_s", 3600)
        report.add("claims_lost", tally.lostClaims)
        report.add("claims_lost_refused", tally.lostClaimsRefused)
        report.add("ended_past_lock", tally.endedPastLock.min() ?? 0)
        if tally.endedPastLock.count < settings.faults.locks { report.find("not every lock was tried") }
        report.require("killed_between_intent_and_result", findings.killedBetween)
        report.require("stale_refused", server.countRefusals())
        report.require("unknown_reconciled", findings.reconciled)
        report.add("rescued", findings.rescued)
        report.add("longest_invisible_s", watch.longest)
        if watch.longest >= .seconds(30) { report.find("a lost job was out of reach for \(watch.longest)") }
        if tally.lostClaimsRefused < tally.lostClaims {
            report.find(
                "\(tally.lostClaims - tally.lostClaimsRefused) holders of claims lost with the server were not refused")
        }
        if tally.killed < settings.faults.kills || tally.stopped < settings.faults.pauses {
            report.find(
                "nobody was there for \(settings.faults.kills - tally.killed) kills and "
                    + "\(settings.faults.pauses - tally.stopped) pauses")
        }
        for finding in tally.findings { report.find(finding) }
        return report
    }
}

/// The counterpart's file.
struct CounterpartFile: Sendable {
    var byJob: [Int64: Int] = [:]
    var keys: Set<String> = []
    var lines = 0

    static func read(_ path: String) throws -> CounterpartFile {
        var acts = CounterpartFile()
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let job = Int64(words[2]) else { continue }
            acts.byJob[job, default: 0] += 1
            acts.keys.insert(String(words[1]))
            acts.lines += 1
        }
        return acts
    }
}

/// What is on record after all has ended.
struct Evidence: Sendable {
    private let acts: CounterpartFile
    private let history: [(Int64, String, String, Int64)]
    private let effects: [(String, Int64?, String, String, String)]
    private let bookings: [Int64]
    private let unfinished: Int

    init(pool: PostgresPool, acts: CounterpartFile) async throws {
        self.acts = acts
        history = try await pool.query(ChaosSchema.history).decode(Int64.self, String.self, String.self, Int64.self)
        effects = try await pool.query(ChaosSchema.effects)
            .decode(String.self, Int64?.self, String.self, String.self, String.self)
        bookings = try await pool.query(ChaosSchema.bookings).decode(Int64.self)
        unfinished = Int(try await pool.query(ChaosSchema.live).only(Int64.self))
    }

    var rescued: Int { history.reduce(0) { $0 + Int($1.3) } }
    var reconciled: Int { effects.count { $0.3 == "asked" } }
    /// Effects that a later attempt found announced and not settled, of jobs whose worker was lost.
    var killedBetween: Int {
        let rescued = Set(history.filter { $0.3 > 0 }.map(\.0))
        return effects.count { effect in
            effect.4 == "intended" && effect.3 != "called" && effect.1.map(rescued.contains) == true
        }
    }

    func judge(expected: Int, _ report: inout ChaosReport) {
        let ended = Dictionary(history.map { ($0.0, 1) }, uniquingKeysWith: +)
        let effectJobs = Set(history.filter { $0.1 == BenchEffect.kind.name }.map(\.0))
        let bookingJobs = Set(history.filter { $0.1 == BenchBooking.kind.name }.map(\.0))
        let booked = Dictionary(bookings.map { ($0, 1) }, uniquingKeysWith: +)
        let neverActed = effectJobs.count { acts.byJob[$0] == nil }
        let neverBooked = bookingJobs.count { booked[$0] == nil }
        let missing = expected - ended.count
        report.add("lost", max(0, missing) + neverActed + neverBooked)
        let twiceEnded = ended.values.count { $0 > 1 }
        let twiceActed = acts.byJob.values.count { $0 > 1 }
        let twiceBooked = booked.values.count { $0 > 1 }
        report.add("double", twiceEnded + twiceActed + twiceBooked)
        report.add("effects", acts.lines)
        note("jobs that should have ended have not", missing, &report)
        note("jobs are still live", unfinished, &report)
        note("jobs ended without their effect", neverActed, &report)
        note("jobs ended without their booking", neverBooked, &report)
        note("jobs ended more than once", twiceEnded, &report)
        note("jobs had their effect more than once", twiceActed, &report)
        note("jobs were booked more than once", twiceBooked, &report)
        note("jobs ended other than completed", history.count { $0.2 != "completed" }, &report)
        note("effects of jobs that never ended", acts.byJob.keys.count { !effectJobs.contains($0) }, &report)
        let confirmed = Set(effects.filter { $0.2 == "confirmed" }.map(\.0))
        note("effects are not in the ledger as confirmed", acts.keys.subtracting(confirmed).count, &report)
        note("effects are confirmed and never happened", confirmed.subtracting(acts.keys).count, &report)
    }

    private func note(_ what: String, _ count: Int, _ report: inout ChaosReport) {
        if count != 0 { report.find("\(count) \(what)") }
    }
}
