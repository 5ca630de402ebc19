internal import CPango

/// Points from the upper left corner.
struct Box {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
}

/// Red, green and blue from 0 to 1.
struct Ink {
    let red, green, blue: Double

    static let text = Ink(red: 0.12, green: 0.14, blue: 0.18)
    static let quiet = Ink(red: 0.41, green: 0.44, blue: 0.50)
    static let hairline = Ink(red: 0.86, green: 0.88, blue: 0.91)
    static let black = Ink(red: 0, green: 0, blue: 0)
    static let white = Ink(red: 1, green: 1, blue: 1)

    /// So much of it on white paper.
    func tint(_ share: Double) -> Ink {
        Ink(red: 1 - (1 - red) * share, green: 1 - (1 - green) * share, blue: 1 - (1 - blue) * share)
    }

    /// Whether letters in it can be read on white.
    var isReadable: Bool { 0.299 * red + 0.587 * green + 0.114 * blue < 0.62 }
}

/// Why a document could not be made.
public struct TypesettingFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A PDF in the making, in memory: cairo's surface, drawn on page after page. It owns cairo's handles and lives on one
/// thread.
@safe final class PDFCanvas {
    private let surface: OpaquePointer
    private let context: OpaquePointer
    private let sink = ByteSink()

    init(width: Double, height: Double) {
        let closure = unsafe Unmanaged.passUnretained(sink).toOpaque()
        // Never null: a surface that could not be made has a status that `finish` reports.
        unsafe surface = unsafe cairo_pdf_surface_create_for_stream(takeBytes, closure, width, height)
        unsafe context = unsafe cairo_create(surface)
    }

    deinit {
        unsafe cairo_destroy(context)
        // Flushes what is left into the sink, which is still there.
        unsafe cairo_surface_destroy(surface)
    }

    /// What programs show of the file; an instant as ISO 8601 writes it.
    func describe(title: String, author: String, subject: String, keywords: String, createdAt: String) {
        for (key, value) in [
            (CAIRO_PDF_METADATA_TITLE, title), (CAIRO_PDF_METADATA_AUTHOR, author),
            (CAIRO_PDF_METADATA_SUBJECT, subject), (CAIRO_PDF_METADATA_KEYWORDS, keywords),
            (CAIRO_PDF_METADATA_CREATOR, "Billwright"), (CAIRO_PDF_METADATA_CREATE_DATE, createdAt),
            (CAIRO_PDF_METADATA_MOD_DATE, createdAt),
        ] {
            unsafe cairo_pdf_surface_set_metadata(surface, key, value.printable)
        }
    }

    func nextPage() { unsafe cairo_show_page(context) }

    /// Begins a part of the document's structure, or a link.
    func begin(_ tag: String, attributes: String = "") { unsafe cairo_tag_begin(context, tag, attributes) }
    func end(_ tag: String) { unsafe cairo_tag_end(context, tag) }

    func show(_ text: TextBlock, x: Double, y: Double, _ ink: Ink) {
        use(ink)
        unsafe text.show(in: context, x: x, y: y)
    }

    func fill(_ boxes: [Box], _ ink: Ink) {
        use(ink)
        for box in boxes { unsafe cairo_rectangle(context, box.x, box.y, box.width, box.height) }
        unsafe cairo_fill(context)
    }

    func show(_ picture: Picture, in box: Box) {
        unsafe cairo_save(context)
        unsafe cairo_translate(context, box.x, box.y)
        unsafe cairo_scale(context, box.width / picture.width, box.height / picture.height)
        unsafe picture.paint(on: context)
        unsafe cairo_restore(context)
    }

    /// The whole file. Nothing can be drawn afterwards.
    func finish() throws(TypesettingFault) -> [UInt8] {
        unsafe cairo_surface_finish(surface)
        for status in [unsafe cairo_status(context), unsafe cairo_surface_status(surface)]
        where status != CAIRO_STATUS_SUCCESS && status != CAIRO_STATUS_SURFACE_FINISHED {
            throw TypesettingFault(
                "the PDF could not be made: \(unsafe String(cString: cairo_status_to_string(status)))")
        }
        return sink.bytes
    }

    private func use(_ ink: Ink) { unsafe cairo_set_source_rgb(context, ink.red, ink.green, ink.blue) }
}

/// A decoded PNG image, no larger than it is ever printed.
@safe final class Picture {
    private let surface: OpaquePointer
    let width: Double
    let height: Double

    /// More than 300 dots to the inch in the space that a logo has.
    private static let pixels = 720.0

    /// Throws for what cannot be decoded.
    init(png bytes: [UInt8]) throws(TypesettingFault) {
        let source = ByteSource(bytes)
        let closure = unsafe Unmanaged.passUnretained(source).toOpaque()
        let decoded = unsafe withExtendedLifetime(source) {
            unsafe cairo_image_surface_create_from_png_stream(giveBytes, closure)
        }
        guard let decoded = unsafe decoded, unsafe cairo_surface_status(decoded) == CAIRO_STATUS_SUCCESS else {
            unsafe cairo_surface_destroy(decoded)
            throw TypesettingFault("the logo is no PNG image that can be read; put another into the seller's branding")
        }
        let size = unsafe (
            Double(cairo_image_surface_get_width(decoded)), Double(cairo_image_surface_get_height(decoded))
        )
        let factor = min(1, Picture.pixels / max(size.0, size.1))
        (width, height) = (max(1, (size.0 * factor).rounded()), max(1, (size.1 * factor).rounded()))
        guard factor < 1 else {
            unsafe surface = unsafe decoded
            return
        }
        guard let small = unsafe cairo_image_surface_create(CAIRO_FORMAT_ARGB32, CInt(width), CInt(height)) else {
            preconditionFailure("cairo gives a surface, if one with a fault")
        }
        let context = unsafe cairo_create(small)
        unsafe cairo_scale(context, width / size.0, height / size.1)
        unsafe cairo_set_source_surface(context, decoded, 0, 0)
        unsafe cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_BEST)
        unsafe cairo_paint(context)
        unsafe cairo_destroy(context)
        unsafe cairo_surface_destroy(decoded)
        unsafe surface = unsafe small
    }

    deinit { unsafe cairo_surface_destroy(surface) }

    func paint(on context: OpaquePointer) {
        unsafe cairo_set_source_surface(context, surface, 0, 0)
        unsafe cairo_paint(context)
    }
}

/// Takes what cairo writes.
private final class ByteSink {
    var bytes: [UInt8] = []
}

/// Gives cairo what it reads.
private final class ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// `nil`: there are not so many left.
    func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= bytes.count - position else { return nil }
        position += count
        return bytes[position - count..<position]
    }
}

// C callbacks are formed where nothing is isolated: elsewhere they would trap on a thread that is not the actor's.
private nonisolated func takeBytes(
    _ closure: UnsafeMutableRawPointer?, _ bytes: UnsafePointer<UInt8>?, _ count: CUnsignedInt
) -> cairo_status_t {
    guard let closure = unsafe closure else { return CAIRO_STATUS_WRITE_ERROR }
    let sink = unsafe Unmanaged<ByteSink>.fromOpaque(closure).takeUnretainedValue()
    unsafe sink.bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: Int(count)))
    return CAIRO_STATUS_SUCCESS
}

private nonisolated func giveBytes(
    _ closure: UnsafeMutableRawPointer?, _ target: UnsafeMutablePointer<UInt8>?, _ count: CUnsignedInt
) -> cairo_status_t {
    guard let closure = unsafe closure, let target = unsafe target else { return CAIRO_STATUS_READ_ERROR }
    let source = unsafe Unmanaged<ByteSource>.fromOpaque(closure).takeUnretainedValue()
    guard let bytes = source.take(Int(count)) else { return CAIRO_STATUS_READ_ERROR }
    for (place, byte) in bytes.enumerated() { unsafe target[place] = byte }
    return CAIRO_STATUS_SUCCESS
}
