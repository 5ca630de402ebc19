internal import CPostgres

/// The connection options as libpq itself reads them: from a URI or `key=value` text, or its defaults and `PG*`.
struct Conninfo {
    struct Option {
        let keyword: String
        /// The environment variable libpq takes the default from, if there is one.
        let variable: String?
        let value: String
        /// libpq marks passwords.
        let isSecret: Bool
    }

    /// The options that are set in `text`.
    static func parse(_ text: String, variable: String) throws(PostgresError) -> [Option] {
        var reason: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &reason)
        defer {
            unsafe PQconninfoFree(options)
            unsafe PQfreemem(reason)
        }
        guard let options = unsafe options else {
            let message = unsafe reason.map { unsafe String(cString: $0) } ?? "out of memory"
            throw .configuration(variable: variable, fault: withoutSecrets(message, from: text))
        }
        return unsafe read(options)
    }

    /// What libpq adds to every connection: the `PG*` variables of this process, the service file, its own defaults.
    static func defaults() -> [Option] {
        guard let options = unsafe PQconndefaults() else { return [] }
        defer { unsafe PQconninfoFree(options) }
        return unsafe read(options)
    }

    private static func read(_ first: UnsafeMutablePointer<PQconninfoOption>) -> [Option] {
        var options: [Option] = []
        var next = unsafe first
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val {
                let mark = unsafe next.pointee.dispchar.map { unsafe String(cString: $0) } ?? ""
                unsafe options.append(
                    Option(
                        keyword: String(cString: keyword),
                        variable: next.pointee.envvar.map { unsafe String(cString: $0) },
                        value: String(cString: value), isSecret: mark == "*"))
            }
            unsafe next += 1
        }
        return options
    }

    /// libpq quotes what it could not read, which may be the password. Only the name of an option is kept.
    private static func withoutSecrets(_ message: String, from text: String) -> String {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        let query = text.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        // An "@" behind the "?" means that the "?" belongs to the password.
        if line.hasPrefix("invalid connection option") { return line }
        if line.hasPrefix("invalid URI query parameter"), !query.contains("@") { return line }
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.enumerated().map { index, part in
            index.isMultiple(of: 2) || part.count <= 1 ? String(part) : "…"
        }.joined(separator: "\"")
    }
}
