// libpq, the C client of Postgres.
#pragma once
#include <libpq-fe.h>

/// The fields of an error: Swift does not import macros that are character literals.
enum billwright_error_field {
    billwright_severity = PG_DIAG_SEVERITY_NONLOCALIZED,
    billwright_sqlstate = PG_DIAG_SQLSTATE,
    billwright_message = PG_DIAG_MESSAGE_PRIMARY,
    billwright_detail = PG_DIAG_MESSAGE_DETAIL,
    billwright_hint = PG_DIAG_MESSAGE_HINT,
    billwright_context = PG_DIAG_CONTEXT,
    billwright_table = PG_DIAG_TABLE_NAME,
    billwright_column = PG_DIAG_COLUMN_NAME,
    billwright_constraint = PG_DIAG_CONSTRAINT_NAME,
    billwright_position = PG_DIAG_STATEMENT_POSITION,
    billwright_routine = PG_DIAG_SOURCE_FUNCTION,
};

static inline void billwright_ignore_notice(void *context, const PGresult *notice) { (void)context; (void)notice; }

/// libpq prints notices ("relation already exists, skipping") to standard error unless told otherwise.
static inline void billwright_silence_notices(PGconn *connection) {
    PQsetNoticeReceiver(connection, billwright_ignore_notice, 0);
}
