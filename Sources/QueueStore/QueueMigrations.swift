public import Postgres

/// The queue's schema, in the binary.
public enum QueueMigrations {
    public static let all: [Migration] = [
        Migration(component: "queue", number: 1, name: "roles", sql: PackageResources._001_roles_sql),
        Migration(component: "queue", number: 2, name: "queue", sql: PackageResources._002_queue_sql),
        Migration(component: "queue", number: 3, name: "claims", sql: PackageResources._003_claims_sql),
        Migration(component: "queue", number: 4, name: "verbs", sql: PackageResources._004_verbs_sql),
        Migration(component: "queue", number: 5, name: "schedules", sql: PackageResources._005_schedules_sql),
        Migration(component: "queue", number: 6, name: "operations", sql: PackageResources._006_operations_sql),
        Migration(component: "queue", number: 7, name: "housekeeping", sql: PackageResources._007_housekeeping_sql),
        Migration(component: "queue", number: 8, name: "cluster", sql: PackageResources._008_cluster_sql),
        Migration(component: "queue", number: 9, name: "runs", sql: PackageResources._009_runs_sql),
        Migration(component: "queue", number: 10, name: "limits", sql: PackageResources._010_limits_sql),
        Migration(component: "queue", number: 11, name: "foreign", sql: PackageResources._011_foreign_sql),
        Migration(component: "queue", number: 12, name: "plans", sql: PackageResources._012_plans_sql),
    ]
}
