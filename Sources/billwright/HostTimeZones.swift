internal import BillingPorts
internal import Dates
internal import FoundationEssentials
internal import Synchronization

/// The host's time-zone database, each zone read once.
final class HostTimeZones: TimeZones {
    /// Not a zone's name, or not known here.
    struct UnknownZone: Error, CustomStringConvertible {
        let name: String
        let folder: String
        var description: String { "time zone '\(name)' is not in \(folder); install tzdata or mend the name" }
    }

    static let folder = "/usr/share/zoneinfo"

    private let known = Mutex<[String: TimeZoneRules]>([:])
    private let version: String

    init() {
        let text = try? String(contentsOfFile: "\(HostTimeZones.folder)/tzdata.zi", encoding: .utf8)
        // Its first line is "# version 2026b".
        version = text?.split(separator: "\n").first.map { String($0.dropFirst("# version ".count)) } ?? "unknown"
    }

    func rules(_ name: String) throws -> TimeZoneRules {
        if let rules = known.withLock({ $0[name] }) { return rules }
        let rules = try read(name)
        known.withLock { $0[name] = rules }
        return rules
    }

    private func read(_ name: String) throws -> TimeZoneRules {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") } && !name.contains("\0")
        guard isName, let bytes = try? Data(contentsOf: URL(filePath: "\(HostTimeZones.folder)/\(name)")) else {
            throw UnknownZone(name: name, folder: HostTimeZones.folder)
        }
        return try TimeZoneRules(id: name, version: version, tzif: Array(bytes))
    }
}
