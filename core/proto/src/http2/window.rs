//! Flow control (RFC 9113 section 5.2).

use super::frame::MAX_31_BITS;

/// How much this end may send. A change of SETTINGS can make it negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow(i32);

impl SendWindow {
    pub(super) fn new(bytes: u32) -> Self {
        SendWindow(bytes.min(MAX_31_BITS) as i32)
    }

    /// How many bytes it allows.
    #[inline]
    pub(super) fn open(self) -> u32 {
        self.0.max(0) as u32
    }

    /// Takes at most as many as it allows.
    #[inline]
    pub(super) fn take(&mut self, bytes: u32) {
        self.0 -= bytes.min(self.open()) as i32;
    }

    /// Changes it. False: it would be too large.
    #[inline]
    pub(super) fn change(&mut self, by: i64) -> bool {
        match i32::try_from(i64::from(self.0) + by) {
            Ok(window) => {
                self.0 = window;
                true
            }
            Err(_) => false,
        }
    }
}

/// How much the peer may send, and what it is to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    /// What the peer may still send. Negative after SETTINGS that made windows smaller.
    open: i32,
    /// What was used and not yet given back.
    used: u32,
}

impl ReceiveWindow {
    pub(super) fn new(bytes: u32) -> Self {
        ReceiveWindow { open: bytes.min(MAX_31_BITS) as i32, used: 0 }
    }

    /// What the peer may still send.
    #[inline]
    pub(super) fn open(&self) -> u32 {
        self.open.max(0) as u32
    }

    /// The peer sent so many bytes. False: more than it may.
    #[inline]
    pub(super) fn take(&mut self, bytes: u32) -> bool {
        match i64::from(self.open) - i64::from(bytes) {
            open @ 0.. => {
                self.open = open as i32;
                true
            }
            _ => bytes == 0,
        }
    }

    /// So many bytes were used. What the peer is to be told: nothing until half of the window's size is used.
    #[inline]
    pub(super) fn give_back(&mut self, bytes: u32, size: u32) -> Option<u32> {
        self.used = self.used.saturating_add(bytes);
        if self.used == 0 || self.used < size / 2 {
            return None;
        }
        let told = std::mem::take(&mut self.used);
        self.open = self.open.saturating_add_unsigned(told);
        Some(told)
    }

    /// The size of windows became smaller, by so many bytes.
    pub(super) fn shrink(&mut self, by: u32) {
        self.open = self.open.saturating_sub_unsigned(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sending() {
        let mut window = SendWindow::new(10);
        window.take(4);
        assert_eq!(window.open(), 6);
        assert!(window.change(-16));
        assert_eq!(window.open(), 0);
        assert!(window.change(11));
        assert_eq!(window.open(), 1);
        assert!(window.change(i64::from(MAX_31_BITS) - 1));
        assert!(!window.change(1));
        assert_eq!(window.open(), MAX_31_BITS);
    }

    #[test]
    fn receiving() {
        let mut window = ReceiveWindow::new(10);
        assert!(window.take(10));
        assert!(!window.take(1));
        assert!(window.take(0));
        assert_eq!(window.give_back(4, 10), None);
        assert_eq!(window.give_back(1, 10), Some(5));
        assert!(window.take(5) && !window.take(1));
        window.shrink(3);
        assert_eq!(window.give_back(5, 10), Some(5));
        assert!(window.take(2) && !window.take(1));
    }
}
