/// The catalogues that ship with the program, in the binary.
public enum Catalogues {
    /// A shipped file by its name: `practice.json`.
    public static func file(_ name: String) -> [UInt8]? { files[name] }

    public static var names: [String] { files.keys.sorted() }

    private static let files: [String: [UInt8]] = [
        "practice.json": PackageResources.practice_json,
        "practice-customers.json": PackageResources.practice_customers_json,
    ]
}
