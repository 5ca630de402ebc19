/// A piece of a page that is well formed and whose every value is escaped: markup comes from names in our source alone.
///
///     HTML.p(.class("due"), content: "To pay: ", .strong(HTML(amount)))
public struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// As it is sent.
    public let markup: String

    private init(markup: String) { self.markup = markup }

    /// Text, escaped.
    public init(_ text: String) { markup = Self.escaped(text) }

    public init(stringLiteral value: String) { self.init(value) }

    /// Pieces one after the other.
    public static func group(_ pieces: [HTML]) -> HTML { HTML(markup: pieces.map(\.markup).joined()) }

    public static let nothing = HTML(markup: "")

    public static func element(_ name: StaticString, _ attributes: [Attribute], _ content: [HTML]) -> HTML {
        HTML(markup: "<\(name)\(attributes.map(\.markup).joined())>\(content.map(\.markup).joined())</\(name)>")
    }

    /// One without content: `meta`, `link`, `input`.
    public static func void(_ name: StaticString, _ attributes: Attribute...) -> HTML {
        HTML(markup: "<\(name)\(attributes.map(\.markup).joined())>")
    }

    /// A whole document, ready to be sent.
    public static func document(language: String, head: [HTML], body: [HTML]) -> String {
        "<!DOCTYPE html>\n"
            + element("html", [.lang(language)], [element("head", [], head), element("body", [], body)]).markup + "\n"
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// An attribute whose value is escaped. There is none that runs a script.
    public struct Attribute: Sendable, Hashable {
        fileprivate let markup: String

        private init(_ name: StaticString, _ value: String) { markup = " \(name)=\"\(HTML.escaped(value))\"" }

        public static func `class`(_ value: StaticString) -> Attribute { Attribute("class", "\(value)") }
        public static func id(_ value: StaticString) -> Attribute { Attribute("id", "\(value)") }
        public static func lang(_ value: String) -> Attribute { Attribute("lang", value) }
        public static func name(_ value: StaticString) -> Attribute { Attribute("name", "\(value)") }
        public static func type(_ value: StaticString) -> Attribute { Attribute("type", "\(value)") }
        public static func rel(_ value: StaticString) -> Attribute { Attribute("rel", "\(value)") }
        public static func role(_ value: StaticString) -> Attribute { Attribute("role", "\(value)") }
        public static func scope(_ value: StaticString) -> Attribute { Attribute("scope", "\(value)") }
        public static func charset(_ value: StaticString) -> Attribute { Attribute("charset", "\(value)") }
        public static func httpEquiv(_ value: StaticString) -> Attribute { Attribute("http-equiv", "\(value)") }
        public static func method(_ value: StaticString) -> Attribute { Attribute("method", "\(value)") }
        public static func colspan(_ value: Int) -> Attribute { Attribute("colspan", "\(value)") }
        public static func value(_ value: String) -> Attribute { Attribute("value", value) }
        public static func content(_ value: String) -> Attribute { Attribute("content", value) }
        public static let checked = Attribute("checked", "")

        /// Where a link leads, a form goes or a style comes from: a path of ours or an address of the web. Any other scheme
        /// leads nowhere, so that no value can be a script.
        public static func href(_ address: String) -> Attribute { Attribute("href", checked(address)) }
        public static func action(_ address: String) -> Attribute { Attribute("action", checked(address)) }

        private static func checked(_ address: String) -> String {
            let isPath = address.hasPrefix("/") && !address.hasPrefix("//")
            let isWeb = address.hasPrefix("https://") || address.hasPrefix("http://")
            return isPath || isWeb ? address : "#"
        }
    }
}

// The elements that pages use.
extension HTML {
    public static func p(_ attributes: Attribute..., content: HTML...) -> HTML { element("p", attributes, content) }
    public static func h1(_ content: HTML...) -> HTML { element("h1", [], content) }
    public static func strong(_ content: HTML...) -> HTML { element("strong", [], content) }
    public static func small(_ content: HTML...) -> HTML { element("small", [], content) }
    public static func a(_ attributes: Attribute..., content: HTML...) -> HTML { element("a", attributes, content) }
}
