public import Postgres

/// The books' schema, in the binary; applied after the queue's, which makes the roles.
public enum BooksMigrations {
    public static let all: [Migration] = [
        Migration(component: "books", number: 1, name: "books", sql: PackageResources._001_books_sql),
        Migration(component: "books", number: 2, name: "room", sql: PackageResources._002_room_sql),
        Migration(component: "books", number: 3, name: "retention", sql: PackageResources._003_retention_sql),
        // What goes in and out by webhooks.
        Migration(component: "hooks", number: 1, name: "inbox", sql: PackageResources.hooks_0001_inbox_sql),
        Migration(component: "hooks", number: 2, name: "outbox", sql: PackageResources.hooks_0002_outbox_sql),
        Migration(
            component: "documents", number: 1, name: "documents", sql: PackageResources.documents_0001_documents_sql),
        Migration(component: "mails", number: 1, name: "mails", sql: PackageResources.mails_0001_mails_sql),
        Migration(component: "pay", number: 1, name: "pay", sql: PackageResources.pay_0001_pay_sql),
    ]
}
