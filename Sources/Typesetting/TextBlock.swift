internal import CPango

/// A style in which text is set: size, weight.
enum TextStyle: Int, CaseIterable {
    case title, heading, headline, strong, body, small, fine

    /// Points.
    fileprivate var size: Double {
        switch self {
        case .title: 23
        case .headline: 17
        case .heading: 9
        case .strong, .body: 9
        case .small: 8
        case .fine: 7.25
        }
    }

    /// Two weights, since each font is another that a file carries.
    fileprivate var isSemibold: Bool {
        switch self {
        case .headline, .heading, .strong: true
        case .title, .body, .small, .fine: false
        }
    }
}

/// A paragraph, broken into lines and measured. It owns its layout, and lives on the thread of the typesetter that made
/// it.
@safe final class TextBlock {
    fileprivate let layout: OpaquePointer
    /// Points.
    let width: Double
    let height: Double
    /// Of what there is to see, from the layout's own left edge: lines that end at its right one begin further in.
    private let inset: Double

    fileprivate init(_ layout: OpaquePointer) {
        unsafe self.layout = unsafe layout
        var extents = PangoRectangle()
        unsafe pango_layout_get_extents(layout, nil, &extents)
        width = Double(extents.width) / Typesetter.scale
        height = Double(extents.height) / Typesetter.scale
        inset = Double(extents.x) / Typesetter.scale
    }

    deinit { unsafe billwright_release_object(UnsafeMutableRawPointer(layout)) }

    /// With its upper left corner there.
    func show(in context: OpaquePointer, x: Double, y: Double) {
        unsafe cairo_move_to(context, x - inset, y)
        unsafe pango_cairo_show_layout(context, layout)
    }
}

/// Breaks text into lines with the host's fonts. Of each piece of text the first font that has it is used, so names in any
/// script are set, at worst as boxes.
@safe final class Typesetter {
    enum Alignment { case left, right }

    private let fonts: UnsafeMutablePointer<PangoFontMap>
    private let context: OpaquePointer
    private var descriptions: [OpaquePointer] = unsafe []
    private let attributes: OpaquePointer?

    fileprivate static let scale = Double(billwright_pango_scale())
    /// In the order of preference: what Debian's packages of the `image` set bring, then whatever there is.
    private static let family = "Open Sans, DejaVu Sans, Droid Sans Fallback, sans-serif"

    init() {
        guard let fonts = unsafe pango_cairo_font_map_new(), let context = unsafe pango_font_map_create_context(fonts)
        else { preconditionFailure("Pango has no fonts to set with") }
        unsafe self.fonts = unsafe fonts
        unsafe self.context = unsafe context
        // Units are points, and a line is as long in any zoom.
        unsafe pango_cairo_context_set_resolution(context, 72)
        let options = unsafe cairo_font_options_create()
        unsafe cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
        unsafe cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
        unsafe pango_cairo_context_set_font_options(context, options)
        unsafe cairo_font_options_destroy(options)
        // A name in Arabic stands where a name in Latin stands.
        unsafe pango_context_set_base_dir(context, PANGO_DIRECTION_LTR)
        unsafe pango_context_set_round_glyph_positions(context, 0)
        unsafe attributes = unsafe pango_attr_list_new()
        // A name or an address that is broken must not gain a hyphen.
        unsafe pango_attr_list_insert(attributes, pango_attr_insert_hyphens_new(0))
        for style in TextStyle.allCases {
            guard let description = unsafe pango_font_description_new() else { preconditionFailure("out of memory") }
            unsafe pango_font_description_set_family(description, Typesetter.family)
            unsafe pango_font_description_set_absolute_size(description, style.size * Typesetter.scale)
            unsafe pango_font_description_set_weight(
                description, style.isSemibold ? PANGO_WEIGHT_SEMIBOLD : PANGO_WEIGHT_NORMAL)
            unsafe descriptions.append(description)
        }
    }

    deinit {
        // Not `for unsafe`, which the formatter takes apart.
        unsafe descriptions.forEach { unsafe pango_font_description_free($0) }
        unsafe pango_attr_list_unref(attributes)
        unsafe billwright_release_object(UnsafeMutableRawPointer(context))
        unsafe billwright_release_object(UnsafeMutableRawPointer(fonts))
    }

    /// Text no wider than `width` points and at most `lines` lines high; a word that is too long is broken, and what does
    /// not fit is left out behind an ellipsis.
    func set(
        _ text: String, _ style: TextStyle, width: Double, alignment: Alignment = .left, lines: Int = 6
    ) -> TextBlock {
        guard let layout = unsafe pango_layout_new(context) else { preconditionFailure("out of memory") }
        unsafe pango_layout_set_font_description(layout, descriptions[style.rawValue])
        unsafe pango_layout_set_attributes(layout, attributes)
        unsafe pango_layout_set_auto_dir(layout, 0)
        unsafe pango_layout_set_width(layout, CInt(max(1, width) * Typesetter.scale))
        unsafe pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR)
        unsafe pango_layout_set_alignment(layout, alignment == .left ? PANGO_ALIGN_LEFT : PANGO_ALIGN_RIGHT)
        unsafe pango_layout_set_height(layout, CInt(-lines))
        unsafe pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END)
        let printable = text.printable
        unsafe pango_layout_set_text(layout, printable, CInt(printable.utf8.count))
        return unsafe TextBlock(layout)
    }
}

extension String {
    /// As fonts and PDF can have it: control characters, which no font has and some of which end a text, are spaces; what
    /// Unicode says is no character is the sign for that.
    var printable: String {
        guard unicodeScalars.contains(where: { $0.properties.isControl || $0.properties.isNoncharacterCodePoint })
        else {
            return self
        }
        return String(
            String.UnicodeScalarView(
                unicodeScalars.map {
                    $0.properties.isControl ? " " : $0.properties.isNoncharacterCodePoint ? "\u{FFFD}" : $0
                }))
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isControl: Bool {
        generalCategory == .control || generalCategory == .lineSeparator || generalCategory == .paragraphSeparator
    }
}
