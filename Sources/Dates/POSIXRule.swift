/// The rule for the years after a zone's last listed transition, in the form POSIX gives `TZ` and RFC 8536 widens
/// (hours from -167 to 167): a standard offset and, in some zones, a second one between two days of every year.
struct POSIXRule: Hashable, Sendable {
    /// A day of every year and the local time on it, in seconds, that may lie before or after that day.
    struct Day: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            /// Day 1 to 365; 29 February is never counted.
            case julian(Int)
            /// Day 0 to 365; 29 February counts.
            case ordinal(Int)
            /// The `week`-th such weekday (0 is Sunday) of the month; 5 is its last.
            case weekday(month: Int, week: Int, day: Int)
        }

        let kind: Kind
        let time: Int64
    }

    struct Summer: Hashable, Sendable {
        let offset: Int32
        let start: Day
        let end: Day
    }

    let standardOffset: Int32
    let summer: Summer?

    /// `nil` if the text is no such rule, or names summer time without saying when.
    init?(parsing text: some Sequence<UInt8>) {
        var scanner = ASCIIScanner(text)
        guard scanner.zoneName(), let west = scanner.signedTime(hourDigits: 2) else { return nil }
        standardOffset = Int32(-west)
        if scanner.isAtEnd {
            summer = nil
            return
        }
        guard scanner.zoneName() else { return nil }
        var offset = standardOffset + 3600
        if scanner.next != UInt8(ascii: ",") {
            guard let west = scanner.signedTime(hourDigits: 2) else { return nil }
            offset = Int32(-west)
        }
        guard scanner.skip(","), let start = scanner.dayOfYear(), scanner.skip(","), let end = scanner.dayOfYear(),
            scanner.isAtEnd
        else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    func offset(atSecond second: Int64) -> Int32 {
        guard let summer else { return standardOffset }
        let year = LocalDate(daysSinceEpoch: Int32(floorDivide(second + Int64(standardOffset), 86_400))).year
        let (start, end) = bounds(of: summer, year: year)
        // South of the equator summer spans the new year, so it ends before it starts.
        let isSummer = start < end ? start <= second && second < end : !(end <= second && second < start)
        return isSummer ? summer.offset : standardOffset
    }

    func transition(afterSecond second: Int64) -> TimeZoneRules.Transition? {
        guard let summer else { return nil }
        let year = LocalDate(daysSinceEpoch: Int32(floorDivide(second, 86_400))).year
        // A change around new year can fall into the UTC year beside its own.
        return (year - 1...year + 1)
            .flatMap { year in
                let (start, end) = bounds(of: summer, year: year)
                return [
                    TimeZoneRules.Transition(instant: start, offset: summer.offset),
                    TimeZoneRules.Transition(instant: end, offset: standardOffset),
                ]
            }
            .filter { $0.instant > second }
            .min { $0.instant < $1.instant }
    }

    /// In seconds since the epoch. Each day's time is read on the clock that is about to be changed.
    private func bounds(of summer: Summer, year: Int) -> (start: Int64, end: Int64) {
        (
            summer.start.localSecond(year: year) - Int64(standardOffset),
            summer.end.localSecond(year: year) - Int64(summer.offset)
        )
    }
}

extension POSIXRule.Day {
    func localSecond(year: Int) -> Int64 { Int64(date(year: year).daysSinceEpoch) * 86_400 + time }

    private func date(year: Int) -> LocalDate {
        let newYear = LocalDate(civilYear: year, month: 1, day: 1)
        switch kind {
        case .julian(let day):
            return newYear.adding(days: day - 1 + (LocalDate.isLeap(year: year) && day > 59 ? 1 : 0))
        case .ordinal(let day):
            return newYear.adding(days: day)
        case .weekday(let month, let week, let day):
            let first = LocalDate(civilYear: year, month: month, day: 1)
            let toFirst = floorModulo(day - first.weekday.rawValue % 7, 7)
            let offset = toFirst + (week - 1) * 7
            return first.adding(days: offset < LocalDate.daysInMonth(month, of: year) ? offset : offset - 7)
        }
    }
}

extension ASCIIScanner {
    /// `CET` or `<+03>`; the name itself is of no use here.
    fileprivate mutating func zoneName() -> Bool {
        if skip("<") {
            return run { $0 != UInt8(ascii: ">") } > 0 && skip(">")
        }
        return run { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") } >= 3
    }

    /// `[+|-]h[:mm[:ss]]` in seconds.
    fileprivate mutating func signedTime(hourDigits: Int) -> Int64? {
        let isNegative = skip("-")
        if !isNegative { _ = skip("+") }
        guard let hours = digits(upTo: hourDigits) else { return nil }
        var seconds = Int64(hours) * 3600
        for unit in [Int64(60), 1] where skip(":") {
            guard let part = digits(2), part < 60 else { return nil }
            seconds += Int64(part) * unit
        }
        return isNegative ? -seconds : seconds
    }

    /// `Mm.w.d`, `Jn` or `n`, then `/time` where it is not 02:00.
    fileprivate mutating func dayOfYear() -> POSIXRule.Day? {
        guard let kind = dayKind() else { return nil }
        guard skip("/") else { return POSIXRule.Day(kind: kind, time: 7200) }
        guard let time = signedTime(hourDigits: 3) else { return nil }
        return POSIXRule.Day(kind: kind, time: time)
    }

    private mutating func dayKind() -> POSIXRule.Day.Kind? {
        if skip("M") {
            guard let month = digits(upTo: 2), (1...12).contains(month), skip("."),
                let week = digits(1), (1...5).contains(week), skip("."), let day = digits(1), (0...6).contains(day)
            else { return nil }
            return .weekday(month: month, week: week, day: day)
        }
        if skip("J") {
            guard let day = digits(upTo: 3), (1...365).contains(day) else { return nil }
            return .julian(day)
        }
        guard let day = digits(upTo: 3), (0...365).contains(day) else { return nil }
        return .ordinal(day)
    }
}
