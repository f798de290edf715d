//! Explicit congestion notification.

/// The ECN field of an IP packet (RFC 3168, section 5): its two bits are the value.
#[derive(Copy, Clone, Default, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Ecn {
    /// The sender does not take part. Also what is reported where the system does not tell.
    #[default]
    NotEct = 0,
    /// ECT(1): the sender takes part, by the rules of RFC 9331.
    Ect1 = 1,
    /// ECT(0): the sender takes part.
    Ect0 = 2,
    /// A router on the way is congested.
    Ce = 3,
}

impl Ecn {
    /// The value in the last two bits of the traffic class (IPv6) or type of service (IPv4).
    pub const fn from_bits(bits: u8) -> Ecn {
        match bits & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_and_those_of_the_service_class_are_left_out() {
        for bits in 0..=3 {
            assert_eq!(Ecn::from_bits(bits).bits(), bits);
            assert_eq!(Ecn::from_bits(bits | 0xB8).bits(), bits);
        }
    }
}
