//! Input that waits for the rest of its record, or of its handshake message.

/// A header: type, version, length (RFC 8446, 5.1).
const HEADER: usize = 5;

/// Bytes that are not used yet. Takes no memory while there are none: most records come whole. The record layer refuses a record above
/// 16 KiB and a handshake message above 64 KiB, so there are never more.
#[derive(Default)]
pub(super) struct Partial {
    bytes: Vec<u8>,
}

impl Partial {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(super) fn append(&mut self, input: &[u8]) {
        self.bytes.extend_from_slice(input);
    }

    /// Leaves out what was used.
    pub(super) fn discard(&mut self, used: usize) {
        if used >= self.bytes.len() {
            self.bytes = Vec::new();
        } else {
            self.bytes.drain(..used);
        }
    }

    /// Takes what the first record still needs, or everything if that is not what it waits for. Says how much it took.
    pub(super) fn take_from(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        loop {
            let rest = input.get(taken..).unwrap_or_default();
            let count = match self.missing() {
                // Whole already, so it is the first part of a message over several records.
                0 if taken == 0 => rest.len(),
                missing => missing.min(rest.len()),
            };
            if count == 0 {
                return taken;
            }
            self.append(rest.get(..count).unwrap_or_default());
            taken += count;
        }
    }

    /// How many bytes of the first record, or of its header, are still to come.
    fn missing(&self) -> usize {
        match self.bytes.get(..HEADER) {
            Some(&[_, _, _, high, low]) => {
                let record = HEADER + usize::from(u16::from_be_bytes([high, low]));
                record.saturating_sub(self.bytes.len())
            }
            _ => HEADER - self.bytes.len().min(HEADER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_what_it_needs_and_no_more() {
        let record = [23, 3, 3, 0, 4, 1, 2, 3, 4];
        let more = [&record[..], &[23, 3, 3]].concat();
        for cut in 1..record.len() {
            let mut partial = Partial::default();
            partial.append(&record[..cut]);
            assert_eq!(partial.take_from(&more[cut..]), record.len() - cut, "{cut}");
            assert_eq!(partial.bytes(), &record);
            partial.discard(record.len());
            assert!(partial.is_empty() && partial.bytes.capacity() == 0);
        }
    }

    #[test]
    fn what_waits_for_another_record_takes_all() {
        let mut partial = Partial::default();
        partial.append(&[22, 3, 3, 0, 1, 9]);
        assert_eq!(partial.take_from(&[22, 3, 3]), 3);
        assert_eq!(partial.len(), 9);
    }
}
