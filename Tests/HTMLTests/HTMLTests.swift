import HTML
import Testing

@Suite struct HTMLTests {
    @Test func `every text and every attribute is escaped`() {
        let evil = "<script>\"'&"
        #expect(HTML(evil).markup == "&lt;script&gt;&quot;&#39;&amp;")
        #expect(HTML("a \(evil)").markup == "a &lt;script&gt;&quot;&#39;&amp;")
        let link = HTML.a(.href("https://x.example/?a=\"&b"), content: HTML(evil)).markup
        #expect(link == "<a href=\"https://x.example/?a=&quot;&amp;b\">&lt;script&gt;&quot;&#39;&amp;</a>")
    }

    @Test(arguments: ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x", ""])
    func `an address of another sort leads nowhere`(address: String) {
        #expect(HTML.a(.href(address), content: "x").markup == "<a href=\"#\">x</a>")
    }
}
