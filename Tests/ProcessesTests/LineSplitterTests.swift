import Testing

@testable import Processes

@Suite struct LineSplitterTests {
    @Test(arguments: [
        (["one\ntwo\n"], ["one", "two"]),
        (["o", "ne\nt", "wo"], ["one", "two"]),
        (["\n\n"], ["", ""]),
        (["caf", "é\n"], ["café"]),
        ([""], []),
    ])
    func `lines do not depend on how the reads cut them`(reads: [String], lines: [String]) {
        var splitter = LineSplitter()
        var found = reads.flatMap { splitter.add($0.utf8) }
        if let rest = splitter.finish() { found.append(rest) }
        #expect(found == lines)
    }

    @Test func `a line without end comes out in pieces of the limit`() {
        var splitter = LineSplitter(limit: 4)
        #expect(splitter.add("abcdefghij".utf8) == ["abcd", "efgh"])
        #expect(splitter.finish() == "ij")
    }
}
