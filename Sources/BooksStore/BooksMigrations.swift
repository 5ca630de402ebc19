public import Postgres

/// The books' schema, in the binary; applied after the queue's, which makes the roles.
public enum BooksMigrations {
    public static let all: [Migration] = [
        Migration(component: "books", number: 1, name: "books", sql: PackageResources._001_books_sql),
        // What goes in and out by webhooks.
        Migration(component: "hooks", number: 1, name: "inbox", sql: PackageResources.hooks_0001_inbox_sql),
        Migration(component: "documents", number: 1, name: "documents", sql: PackageResources._001_documents_sql),
        Migration(component: "mails", number: 1, name: "mails", sql: PackageResources._001_mails_sql),
        Migration(component: "pay", number: 1, name: "pay", sql: PackageResources._001_pay_sql),
        Migration(component: "notices", number: 1, name: "notices", sql: PackageResources._001_notices_sql),
    ]
}
