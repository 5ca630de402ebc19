public import Postgres

/// The books' schema, in the binary; applied after the queue's, which makes the roles.
public enum BooksMigrations {
    public static let all: [Migration] = [
        Migration(component: "books", number: 1, name: "books", sql: PackageResources._001_books_sql),
        Migration(component: "books", number: 2, name: "retention", sql: PackageResources._002_retention_sql),
    ]
}
