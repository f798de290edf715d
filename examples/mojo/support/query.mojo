"""Queries."""


def value_of(query: String, name: String) -> Optional[String]:
    """The value of the first pair of this name, decoded; None when there is none."""
    for pair in query.split("&"):
        var text = String(pair)
        if text == name or text.startswith(name + "="):
            return decoded(String(text.removeprefix(name).removeprefix("=")))
    return None


def decoded(text: String) -> String:
    """Text with its escapes resolved, and spaces for plus signs."""
    var from_bytes = text.as_bytes()
    var bytes = List[UInt8]()
    var at = 0
    while at < len(from_bytes):
        var byte = from_bytes[at]
        if byte == UInt8(ord("%")) and at + 2 < len(from_bytes):
            var high = digit(from_bytes[at + 1])
            var low = digit(from_bytes[at + 2])
            if high and low:
                bytes.append(UInt8(high.value() * 16 + low.value()))
                at += 3
                continue
        bytes.append(UInt8(ord(" ")) if byte == UInt8(ord("+")) else byte)
        at += 1
    return String(from_utf8_lossy=Span(bytes))


def digit(byte: UInt8) -> Optional[Int]:
    """The value of a hexadecimal digit."""
    if byte >= UInt8(ord("0")) and byte <= UInt8(ord("9")):
        return Int(byte) - ord("0")
    var lower = byte | 0x20
    if lower >= UInt8(ord("a")) and lower <= UInt8(ord("f")):
        return Int(lower) - ord("a") + 10
    return None
