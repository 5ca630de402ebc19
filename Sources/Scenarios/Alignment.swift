internal import JSONText

/// Which expected element stands for which element of the result, both in order: the way that leaves the fewest
/// differences, so that one missing element does not make all after it look wrong.
struct Alignment {
    enum Pair {
        case both(Int, Int)
        case missing(Int)
        case surplus(Int)
    }

    private(set) var pairs: [Pair] = []

    /// Comparing each with each is worth it for a few hundred elements that do not match from either end; longer lists
    /// are paired by their places.
    private static let areaLimit = 40_000

    init(_ expected: [JSONNode], _ got: [JSONValue]) {
        let shorter = min(expected.count, got.count)
        let matches = { (left: Int, right: Int) in Self.cost(expected[left], got[right]) == 0 }
        let head = (0..<shorter).first { !matches($0, $0) } ?? shorter
        let tail =
            (0..<(shorter - head)).first { !matches(expected.count - 1 - $0, got.count - 1 - $0) } ?? (shorter - head)
        pairs = (0..<head).map { .both($0, $0) }
        let middle = (head..<(expected.count - tail), head..<(got.count - tail))
        if middle.0.count * middle.1.count <= Self.areaLimit {
            pairs += Self.cheapest(expected, got, middle.0, middle.1)
        } else {
            pairs += zip(middle.0, middle.1).map { .both($0, $1) }
            pairs += middle.0.dropFirst(middle.1.count).map { .missing($0) }
            pairs += middle.1.dropFirst(middle.0.count).map { .surplus($0) }
        }
        pairs += (0..<tail).reversed().map { .both(expected.count - 1 - $0, got.count - 1 - $0) }
    }

    private static func cost(_ expected: JSONNode, _ got: JSONValue) -> Int {
        Expectation.differences(expected, got, path: "").count
    }

    /// Edit distance: a pair costs its differences, a missing element all that it says, a surplus one 1.
    private static func cheapest(
        _ expected: [JSONNode], _ got: [JSONValue], _ rows: Range<Int>, _ columns: Range<Int>
    ) -> [Pair] {
        let weights = expected[rows].map(\.leafCount)
        let pairCosts = rows.map { row in columns.map { cost(expected[row], got[$0]) } }
        // costs[r][c]: of the rows from r and the columns from c on.
        var costs = Array(repeating: Array(repeating: 0, count: columns.count + 1), count: rows.count + 1)
        for row in (0...rows.count).reversed() {
            for column in (0...columns.count).reversed() where row < rows.count || column < columns.count {
                var best = Int.max
                if row < rows.count { best = min(best, weights[row] + costs[row + 1][column]) }
                if column < columns.count { best = min(best, 1 + costs[row][column + 1]) }
                if row < rows.count, column < columns.count {
                    best = min(best, pairCosts[row][column] + costs[row + 1][column + 1])
                }
                costs[row][column] = best
            }
        }
        var pairs: [Pair] = []
        var (row, column) = (0, 0)
        while row < rows.count || column < columns.count {
            let left = costs[row][column]
            if row < rows.count, column < columns.count,
                left == pairCosts[row][column] + costs[row + 1][column + 1]
            {
                pairs.append(.both(rows.lowerBound + row, columns.lowerBound + column))
                row += 1
                column += 1
            } else if row < rows.count, left == weights[row] + costs[row + 1][column] {
                pairs.append(.missing(rows.lowerBound + row))
                row += 1
            } else {
                pairs.append(.surplus(columns.lowerBound + column))
                column += 1
            }
        }
        return pairs
    }
}
