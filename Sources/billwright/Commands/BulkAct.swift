internal import Commands
internal import JSONText
internal import Processes
internal import QueueStore

/// One act on all jobs that match, or a look at what it would touch.
struct BulkAct {
    let verb: QueueOperations.Verb
    let arguments: Arguments

    func run() async throws -> Int32 {
        let filter = try arguments.jobFilter()
        let all = arguments.isOn("--all")
        let limit = try arguments.integer("--limit", in: 1...QueueOperations.hardCap)
        if arguments.isOn("--dry-run") {
            tell(
                try await arguments.operating { operations, _ in
                    try await operations.preview(verb, on: filter, all: all, limit: limit)
                })
            return 0
        }
        let act = QueueOperations.Act(
            verb, by: SystemUser.current.name, because: try arguments.required("--reason"))
        let bulk = try await arguments.operating { operations, now in
            try await operations.act(act, on: filter, all: all, limit: limit, now: now)
        }
        tell(bulk)
        return bulk.refused == 0 ? 0 : 1
    }

    private func tell(_ preview: QueueOperations.Preview) {
        if arguments.isOn("--json") {
            Terminal.print(
                JSONValue.object([
                    .init("act", .string(verb.name)), .init("dry_run", .bool(true)),
                    .init("matching", .integer(Int64(preview.matching))), .init("more", .bool(preview.isCapped)),
                    .init(
                        "states", .object(preview.states.map { .init($0.state, .integer(Int64($0.jobs))) })),
                    .init(
                        "effects", .object(preview.effects.map { .init($0.state, .integer(Int64($0.effects))) })),
                    .init("sample", .array(preview.sample.map(\.json))),
                ]).text())
            return
        }
        let more = preview.isCapped ? ", and more match: --limit raises it" : ""
        Terminal.print("\(verb.name) would touch \(preview.matching) jobs\(more)")
        for (state, jobs) in preview.states { Terminal.print("  \(state) \(jobs)") }
        for (state, effects) in preview.effects { Terminal.print("  effects \(state) \(effects)") }
        if preview.effects.isEmpty { Terminal.print("  none has begun anything outside") }
        for job in preview.sample { Terminal.print("  job \(job.id)  \(job.kind)  \(job.state)  due \(job.dueAt)") }
        Terminal.print("nothing was changed")
    }

    private func tell(_ bulk: QueueOperations.Bulk) {
        if arguments.isOn("--json") {
            Terminal.print(
                JSONValue.object([
                    .init("act", .string(verb.name)), .init("done", .integer(Int64(bulk.done))),
                    .init("refused", .integer(Int64(bulk.refused))), .init("more", .bool(bulk.isCapped)),
                    .init("refusals", .array(bulk.refusals.map { $0.json(verb.name) })),
                ]).text())
        } else {
            Terminal.print("\(verb.name): \(bulk.done) done, \(bulk.refused) refused")
            if bulk.isCapped { Terminal.print("more match that were not touched: run it again, or raise --limit") }
        }
        for refusal in bulk.refusals {
            Terminal.complain("job \(refusal.job): \(verb.name) refused: \(refusal.refusal ?? "")")
        }
        if bulk.refused > bulk.refusals.count {
            Terminal.complain("\(bulk.refused - bulk.refusals.count) more were refused")
        }
    }
}
