internal import Commands

extension Program {
    /// Everything `billwright` does.
    static let billwright = Program(
        name: "billwright", version: "0.1.0",
        summary: "Billwright: the billing engine room that companies run for themselves.",
        commands: [
            .up, .migrate, .load, .catalogCheck, .catalogShow, .catalogDiff, .catalogLoad, .worker, .scheduler, .web,
            .bill, .invoicesList, .invoicesShow, .invoicesExplain,
            .invoicesPDF, .creditNotesPDF, .receiptsPDF, .documentsShow,
        ] + Commands.Command.invoicesActs + [
            .customersList, .customersShow, .customersRelease, .subscriptionsShow,
        ] + Commands.Command.subscriptionsActs + Commands.Command.retention + [
            .ledgerBalance
        ] + Commands.Command.webhooks + Commands.Command.endpoints + Commands.Command.mail + [
            .jobsList, .jobsShow, .jobsStats,
        ] + Commands.Command.jobsActs + [
            .queuesList, .queuesPause, .queuesResume, .queuesRetention, .queuesRelane, .runsList, .runsShow, .runsStop,
            .runsResume, .schedulesList, .schedulesRunNow, .schedulesPause,
            .schedulesResume, .doctor, .ready, .simulate, .benchSimulate, .benchBilling, .benchPDF, .benchQueue,
            .benchNoopWorker,
            .benchChaosQueue, .benchWorker,
            .benchCounterpart, .sandboxStripe, .sandboxMail,
        ])
}
