"""Numbers in paths."""


def number(text: Span[UInt8, _], most: Int) -> Optional[Int]:
    """A decimal number from 0 to `most`, or None."""
    if len(text) == 0 or len(text) > 18:
        return None
    var value = 0
    for digit in text:
        if digit < UInt8(ord("0")) or digit > UInt8(ord("9")):
            return None
        value = value * 10 + Int(digit) - ord("0")
    if value > most:
        return None
    return value
