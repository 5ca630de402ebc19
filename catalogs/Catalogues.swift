/// The catalogues that ship with the program, in the binary.
public enum Catalogues {
    /// A shipped file by its name, with or without its ending: `practice.json`, `practice`.
    public static func file(_ name: String) -> [UInt8]? { files[name] ?? files[name + ".json"] }

    /// All of them: `practice.json`.
    public static var names: [String] { files.keys.sorted() }

    private static let files: [String: [UInt8]] = [
        "agents.json": PackageResources.agents_json,
        "energy.json": PackageResources.energy_json,
        "practice-customers.json": PackageResources.practice_customers_json,
        "practice.json": PackageResources.practice_json,
        "tiers.json": PackageResources.tiers_json,
    ]
}
