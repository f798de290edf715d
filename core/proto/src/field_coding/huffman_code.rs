//! The Huffman code (RFC 7541 appendix B). It is canonical: the lengths of its codes say what they are.

/// The symbol that is never sent: all its bits are ones, and so is the padding behind a text.
pub(super) const END: usize = 256;

/// The length of the longest code, in bits: that of [`END`].
pub(super) const LONGEST: usize = 30;

/// The length of each symbol's code, in bits.
#[rustfmt::skip]
pub(super) const LENGTHS: [u8; END + 1] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The code of each symbol, in the low bits, and its length.
pub(super) static CODES: [(u32, u8); END + 1] = codes();

/// What begins with each byte: a symbol whose code has at most eight bits, and that length; or 0 where a longer code begins.
pub(super) static SHORT: [(u8, u8); 256] = short();

/// The codes of each length.
pub(super) static BY_LENGTH: [Row; LONGEST + 1] = rows();

/// The symbols in the order of their codes.
pub(super) static IN_ORDER: [u16; END + 1] = in_order();

/// Codes of the same length follow each other.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The first of them.
    pub(super) first: u32,
    /// How many there are.
    pub(super) count: u32,
    /// The place of the first one's symbol in [`IN_ORDER`].
    pub(super) place: u32,
}

const fn rows() -> [Row; LONGEST + 1] {
    let mut rows = [Row { first: 0, count: 0, place: 0 }; LONGEST + 1];
    let mut symbol = 0;
    while symbol <= END {
        rows[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= LONGEST {
        let before = rows[length - 1];
        rows[length].first = (before.first + before.count) << 1;
        rows[length].place = before.place + before.count;
        length += 1;
    }
    rows
}

const fn in_order() -> [u16; END + 1] {
    let rows = rows();
    let mut used = [0; LONGEST + 1];
    let mut order = [0; END + 1];
    let mut symbol = 0;
    while symbol <= END {
        let length = LENGTHS[symbol] as usize;
        order[rows[length].place as usize + used[length]] = symbol as u16;
        used[length] += 1;
        symbol += 1;
    }
    order
}

const fn codes() -> [(u32, u8); END + 1] {
    let rows = rows();
    let order = in_order();
    let mut codes = [(0, 0); END + 1];
    let mut place = 0;
    while place <= END {
        let symbol = order[place] as usize;
        let row = rows[LENGTHS[symbol] as usize];
        codes[symbol] = (row.first + (place as u32 - row.place), LENGTHS[symbol]);
        place += 1;
    }
    codes
}

const fn short() -> [(u8, u8); 256] {
    let codes = codes();
    let mut table = [(0, 0); 256];
    let mut symbol = 0;
    while symbol < END {
        let (code, length) = codes[symbol];
        if length <= 8 {
            let mut rest = 0;
            while rest < 1 << (8 - length) {
                table[(code as usize) << (8 - length) | rest] = (symbol as u8, length);
                rest += 1;
            }
        }
        symbol += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_rfc() {
        // Some of each length of the table in the RFC.
        for (symbol, code) in [
            (usize::from(b'0'), 0x0),
            (usize::from(b' '), 0x14),
            (usize::from(b':'), 0x5c),
            (usize::from(b'&'), 0xf8),
            (usize::from(b'!'), 0x3f8),
            (usize::from(b'|'), 0x7fc),
            (usize::from(b'#'), 0xffa),
            (0, 0x1ff8),
            (usize::from(b'}'), 0x3ffd),
            (usize::from(b'{'), 0x7ffe),
            (usize::from(b'\\'), 0x7fff0),
            (128, 0xfffe6),
            (255, 0x3ff_ffee),
            (249, 0xfff_fffe),
            (10, 0x3fff_fffc),
            (END, 0x3fff_ffff),
        ] {
            assert_eq!(CODES[symbol], (code, LENGTHS[symbol]), "{symbol}");
        }
    }

    #[test]
    fn no_code_begins_another() {
        let mut sum = 0_u64;
        for &length in &LENGTHS {
            sum += 1 << (LONGEST - usize::from(length));
        }
        assert_eq!(sum, 1 << LONGEST);
    }
}
