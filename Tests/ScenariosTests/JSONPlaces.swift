import JSONText

/// Places in a value: indices of members and elements from the root on.
extension JSONValue {
    /// The way to every single value and to every element of a list; an empty list or object is a single value.
    func places() -> [[Int]] {
        let inner: [(index: Int, value: JSONValue, isElement: Bool)] =
            switch self {
            case .array(let elements): elements.enumerated().map { ($0.offset, $0.element, true) }
            case .object(let members): members.enumerated().map { ($0.offset, $0.element.value, false) }
            default: []
            }
        return inner.flatMap { entry -> [[Int]] in
            let deeper = entry.value.places().map { [entry.index] + $0 }
            return deeper.isEmpty || entry.isElement ? [[entry.index]] + deeper : deeper
        }
    }

    /// The way to every object, the root first.
    func objects() -> [[Int]] {
        switch self {
        case .array(let elements):
            elements.enumerated().flatMap { entry in entry.element.objects().map { [entry.offset] + $0 } }
        case .object(let members):
            [[]]
                + members.enumerated().flatMap { entry in entry.element.value.objects().map { [entry.offset] + $0 } }
        default: []
        }
    }

    /// The value with another one at a place, or with none there where `change` gives `nil`.
    func replacing(_ place: ArraySlice<Int>, _ change: (JSONValue) -> JSONValue?) -> JSONValue? {
        guard let index = place.first else { return change(self) }
        switch self {
        case .array(var elements):
            if let new = elements[index].replacing(place.dropFirst(), change) {
                elements[index] = new
            } else {
                elements.remove(at: index)
            }
            return .array(elements)
        case .object(var members):
            if let new = members[index].value.replacing(place.dropFirst(), change) {
                members[index] = Member(members[index].key, new)
            } else {
                members.remove(at: index)
            }
            return .object(members)
        default: return self
        }
    }
}
