internal import JSONText

/// Takes everything out of a failing history that it does not need to fail.
struct Shrinking {
    /// Whether a history still fails in the same way.
    let fails: (JSONValue) -> Bool
    private var tries = 0
    /// Enough for a history of some hundred values; a run of a large one costs milliseconds.
    private static let limit = 1500

    init(fails: @escaping (JSONValue) -> Bool) { self.fails = fails }

    static func smallest(of history: JSONValue, fails: @escaping (JSONValue) -> Bool) -> JSONValue {
        var shrinking = Shrinking(fails: fails)
        var history = history
        history = shrinking.fewer(history, at: ["timeline"])
        history = shrinking.fewer(history, at: ["customers"])
        while let smaller = shrinking.pass(over: history), smaller != history { history = smaller }
        return history
    }

    private mutating func accepts(_ history: JSONValue) -> Bool {
        tries += 1
        return tries <= Self.limit && fails(history)
    }

    /// Takes out chunks of a list, halves first, then quarters, down to single elements.
    private mutating func fewer(_ history: JSONValue, at path: [String]) -> JSONValue {
        var history = history
        guard case .array(let all)? = history[path[0]] else { return history }
        var size = max(1, all.count / 2)
        while true {
            var start = 0
            while case .array(let elements)? = history[path[0]], start < elements.count {
                let end = min(start + size, elements.count)
                let smaller = history.setting(path[0], to: .array(Array(elements[..<start] + elements[end...])))
                if accepts(smaller) { history = smaller } else { start = end }
            }
            if size == 1 { return history }
            size /= 2
        }
    }

    /// Tries to leave out, or to make plainer, each value of the history once; `nil` when that has been tried enough.
    private mutating func pass(over history: JSONValue) -> JSONValue? {
        guard tries <= Self.limit else { return nil }
        var history = history
        // Later places first, so that what is taken out moves no place that is still to come.
        for place in history.places.reversed() {
            guard history.value(at: place[...]) != nil else { continue }
            let without = history.replacing(place[...]) { _ in nil }
            if let without, accepts(without) {
                history = without
                continue
            }
            for plainer in history.value(at: place[...])?.plainer ?? [] {
                guard let changed = history.replacing(place[...], { _ in plainer }), accepts(changed) else { continue }
                history = changed
                break
            }
        }
        return history
    }
}

extension JSONValue {
    /// The way to every value inside, by the places of members and elements.
    fileprivate var places: [[Int]] {
        inside.enumerated().flatMap { place, value in [[place]] + value.places.map { [place] + $0 } }
    }

    private var inside: [JSONValue] {
        switch self {
        case .array(let elements): elements
        case .object(let members): members.map(\.value)
        default: []
        }
    }

    fileprivate func value(at place: ArraySlice<Int>) -> JSONValue? {
        guard let first = place.first else { return self }
        guard inside.indices.contains(first) else { return nil }
        return inside[first].value(at: place.dropFirst())
    }

    /// With what is there changed, or left out where `change` returns `nil`.
    fileprivate func replacing(_ place: ArraySlice<Int>, _ change: (JSONValue) -> JSONValue?) -> JSONValue? {
        guard let first = place.first else { return change(self) }
        switch self {
        case .array(var elements):
            let new = elements[first].replacing(place.dropFirst(), change)
            if let new { elements[first] = new } else { elements.remove(at: first) }
            return .array(elements)
        case .object(var members):
            let new = members[first].value.replacing(place.dropFirst(), change)
            if let new { members[first] = Member(members[first].key, new) } else { members.remove(at: first) }
            return .object(members)
        default: return self
        }
    }

    /// What says the same sort of thing with less to read.
    fileprivate var plainer: [JSONValue] {
        switch self {
        case .string(let text) where text.contains("T") && text.hasPrefix("20"):
            return [.string(String(text.prefix(10)))]
        case .string(let text)
        where text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }) && text.count > 2:
            return ["1", "10", "100"].filter { $0.count < text.count }.map { .string($0) }
        default: return []
        }
    }
}
