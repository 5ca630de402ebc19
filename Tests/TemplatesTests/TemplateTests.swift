import Templates
import Testing

@Suite struct TemplateTests {
    private static let vocabulary = Vocabulary(
        texts: ["name", "number"], optional: ["due", "url"], links: ["url"],
        lists: ["lines": .init(texts: ["line.amount"], optional: ["line.period"])])
    private static let values = TemplateValues(
        texts: ["name": "<b>\"Ada\" & 'Co'</b>", "number": "A-1", "url": "https://pay.example/x?a=1&b=2"],
        lists: ["lines": [["line.amount": "1.00", "line.period": "May"], ["line.amount": "2.00"]]])

    private func rendered(
        _ source: String, as form: Template.Form = .text, _ values: TemplateValues = values
    ) throws -> String {
        try Template(parsing: source, Self.vocabulary, as: form).rendered(with: values)
    }

    @Test(arguments: [
        ("Dear {{name}}, {{ number }}.", "Dear <b>\"Ada\" & 'Co'</b>, A-1."),
        ("{{#if due}}owes {{due}}{{else}}owes nothing{{/if}}", "owes nothing"),
        ("{{#if url}}{{url}}{{/if}}", "https://pay.example/x?a=1&b=2"),
        (
            "{{#each lines}}{{line.amount}}{{#if line.period}} in {{line.period}}{{/if}}; {{/each}}",
            "1.00 in May; 2.00; "
        ),
        ("{{#if lines}}some{{else}}none{{/if}}", "some"),
        ("a\n{{#each lines}}\n- {{line.amount}}\n  {{/each}}  \nb\n", "a\n- 1.00\n- 2.00\nb\n"),
        ("{{#if due}}\nx\n{{else}}\ny\n{{/if}}\nz", "y\nz"),
        ("{ {{number}} } }}", "{ A-1 } }}"),
    ])
    func `a template says what it says`(source: String, text: String) throws { #expect(try rendered(source) == text) }

    @Test func `in HTML every value is escaped, in text and in a link`() throws {
        let html = try rendered("<p>{{name}}</p>{{#if url}}<a href=\"{{url}}\">{{number}}</a>{{/if}}", as: .html)
        #expect(
            html == "<p>&lt;b&gt;&quot;Ada&quot; &amp; &#39;Co&#39;&lt;/b&gt;</p>"
                + "<a href=\"https://pay.example/x?a=1&amp;b=2\">A-1</a>")
    }

    @Test(arguments: [
        ("{{nmae}}", ["line 1: unknown variable \"nmae\"; there are due, name, number, url"]),
        ("\n{{due}}", ["line 2: \"due\" may be missing: put it between {{#if due}} and {{/if}}"]),
        (
            "{{#if due}}a{{else}}{{due}}{{/if}}",
            ["line 1: \"due\" may be missing: put it between {{#if due}} and {{/if}}"]
        ),
        ("a\n{{#if due}}\n{{name}}\n", ["line 2: {{#if due}} is never closed"]),
        ("{{#if name}}a{{/if}}", ["line 1: {{#if}}: \"name\" is always there; it may ask for due, lines, url"]),
        ("{{#if nothing}}a{{/if}}", ["line 1: {{#if}}: unknown variable \"nothing\"; it may ask for due, lines, url"]),
        ("{{#each rows}}a{{/each}}", ["line 1: unknown list \"rows\"; there is lines"]),
        ("{{line.amount}}", ["line 1: unknown variable \"line.amount\"; there are due, name, number, url"]),
        ("{{#each lines}}{{/if}}{{/each}}", ["line 1: {{/if}} closes a block of line 1 that is another"]),
        ("{{/each}}", ["line 1: {{/each}} closes nothing"]),
        ("{{else}}", ["line 1: {{else}} stands in no {{#if}} that has none"]),
        ("{{name", ["line 1: \"{{\" without \"}}\" on its line"]),
        (
            "{{nmae}}\n\n{{#if due}}{{nubmer}}",
            [
                "line 1: unknown variable \"nmae\"; there are due, name, number, url",
                "line 3: unknown variable \"nubmer\"; there are due, name, number, url",
                "line 3: {{#if due}} is never closed",
            ]
        ),
    ])
    func `all that is wrong is told at once, with its line`(source: String, faults: [String]) {
        let error = #expect(throws: TemplateFaults.self) { try rendered(source) }
        #expect(error?.description == faults.joined(separator: "\n"))
    }

    @Test(arguments: [
        "<a href=\"{{name}}\">x</a>", "<a href={{url}}>x</a>", "<a {{#if due}}b{{/if}}>x</a>",
        "<p class=\"a{{number}}\">",
        "<a href=\"x{{url}}\">",
    ])
    func `in a tag only a quoted link may stand`(source: String) {
        #expect(throws: TemplateFaults.self) { try rendered("{{#if url}}\(source){{/if}}", as: .html) }
    }

    @Test func `a value that was promised and is not there is an error, not a gap`() {
        #expect(throws: MissingValue.self) { try rendered("{{name}}", as: .text, TemplateValues()) }
    }

    @Test func `a frame holds its content once`() throws {
        var frame = Self.vocabulary
        frame.content = "content"
        var values = Self.values
        values.texts["content"] = "<p>made by a template</p>"
        let template = try Template(parsing: "<body>{{content}}{{number}}</body>", frame, as: .html)
        #expect(try template.rendered(with: values) == "<body><p>made by a template</p>A-1</body>")
        for wrong in ["<body>", "{{content}}{{content}}", "{{#if due}}{{content}}{{/if}}"] {
            #expect(throws: TemplateFaults.self) { try Template(parsing: wrong, frame, as: .html) }
        }
    }
}
