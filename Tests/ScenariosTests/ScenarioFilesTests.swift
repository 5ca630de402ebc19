import JSONText
import Scenarios
import Testing

@Suite struct ScenarioFilesTests {
    @Test func `the project has the published scenarios`() { #expect(Sample.files.count >= 66) }

    @Test(arguments: Sample.files)
    func `every scenario of the project can be read`(file: String) throws {
        do {
            let scenario = try Scenario.read(
                Sample.bytes(file), name: file, zones: Sample.zone, shippedCatalogue: Sample.shipped)
            #expect(scenario.expect != nil)
            #expect(!scenario.timeline.isEmpty)
            #expect(scenario.timeline.allSatisfy { $0.at <= scenario.until })
        } catch {
            Issue.record("\(error)")
        }
    }
}
