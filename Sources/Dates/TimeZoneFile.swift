/// Reads the bytes of a TZif file (RFC 8536, version 2 or later), as every Unix keeps them; a damaged one throws.
extension TimeZoneRules {
    /// `version` is the release of the database the file came from; TZif itself does not say.
    /// Throws `DateFault.notAZone`.
    public init(id: String, version: String, tzif bytes: [UInt8]) throws(DateFault) {
        var reader = TZifReader(id: id, bytes: bytes)
        let old = try reader.header()
        try reader.skip(old.size(timeSize: 4))
        let counts = try reader.header()
        let instants = try reader.signed64s(counts.times)
        let kinds = try reader.take(counts.times)
        var offsets: [Int32] = []
        for _ in 0..<counts.types {
            offsets.append(try reader.signed32())
            // Whether it is summer time, and the name: neither moves a clock.
            try reader.skip(2)
        }
        try reader.skip(counts.names + counts.leaps * 12 + counts.standard + counts.universal)
        let rule = try reader.footer()

        guard let first = offsets.first else { throw reader.fault("no local time types") }
        var transitions: [Transition] = []
        for (instant, kind) in zip(instants, kinds) {
            guard Int(kind) < offsets.count else { throw reader.fault("unknown local time type \(kind)") }
            if let last = transitions.last, last.instant >= instant {
                throw reader.fault("transitions do not ascend")
            }
            transitions.append(Transition(instant: instant, offset: offsets[Int(kind)]))
        }
        guard offsets.allSatisfy({ abs(Int($0)) <= 16 * 3600 }) else { throw reader.fault("offset beyond 16 hours") }
        self.init(id: id, version: version, initialOffset: first, transitions: transitions, rule: rule)
    }
}

private struct TZifReader {
    struct Counts {
        let universal, standard, leaps, times, types, names: Int

        func size(timeSize: Int) -> Int {
            times * (timeSize + 1) + types * 6 + names + leaps * (timeSize + 4) + standard + universal
        }
    }

    let id: String
    let bytes: [UInt8]
    var index = 0

    func fault(_ reason: String) -> DateFault { .notAZone(id: id, reason: "\(reason) (byte \(index))") }

    mutating func header() throws(DateFault) -> Counts {
        guard try Array(take(4)) == Array("TZif".utf8) else { throw fault("not a TZif file") }
        guard let version = try take(1).first, version >= UInt8(ascii: "2") else { throw fault("TZif version 1") }
        try skip(15)
        return Counts(
            universal: try count(), standard: try count(), leaps: try count(),
            times: try count(), types: try count(), names: try count())
    }

    /// The rule after the data, between two line feeds. Empty means that the last offset stays.
    mutating func footer() throws(DateFault) -> POSIXRule? {
        guard try take(1).first == 0x0A else { throw fault("no footer") }
        guard let end = bytes[index...].firstIndex(of: 0x0A) else { throw fault("footer without end") }
        let text = bytes[index..<end]
        if text.isEmpty { return nil }
        guard let rule = POSIXRule(parsing: text) else { throw fault("footer is no POSIX TZ rule") }
        return rule
    }

    /// A count larger than the file cannot be meant, and would only cost memory.
    private mutating func count() throws(DateFault) -> Int {
        let value = try signed32()
        guard value >= 0, Int(value) <= bytes.count else { throw fault("count \(value) is beyond the file") }
        return Int(value)
    }

    mutating func take(_ count: Int) throws(DateFault) -> ArraySlice<UInt8> {
        guard bytes.count - index >= count else { throw fault("file ends early") }
        defer { index += count }
        return bytes[index..<index + count]
    }

    mutating func skip(_ count: Int) throws(DateFault) { _ = try take(count) }

    mutating func signed32() throws(DateFault) -> Int32 {
        Int32(truncatingIfNeeded: try take(4).reduce(into: UInt32(0)) { $0 = $0 << 8 | UInt32($1) })
    }

    mutating func signed64s(_ count: Int) throws(DateFault) -> [Int64] {
        var values: [Int64] = []
        for _ in 0..<count {
            values.append(
                Int64(truncatingIfNeeded: try take(8).reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }))
        }
        return values
    }
}
