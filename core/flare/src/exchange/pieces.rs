//! What is to be sent, piece by piece.

use std::collections::VecDeque;

/// Pieces in their order. Most streams have one at a time, which has its place here; so those that are idle for long keep no memory for more.
pub(crate) struct Pieces<T> {
    first: Option<T>,
    rest: Option<Box<Rest<T>>>,
}

/// What comes behind the first; never empty.
struct Rest<T>(VecDeque<T>);

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { first: None, rest: None }
    }
}

impl<T> Pieces<T> {
    fn rest(&mut self) -> &mut VecDeque<T> {
        &mut self.rest.get_or_insert_with(|| Box::new(Rest(VecDeque::new()))).0
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.as_ref().map_or(0, |rest| rest.0.len())
    }

    pub(crate) fn push_back(&mut self, piece: T) {
        if self.first.is_none() {
            self.first = Some(piece);
        } else {
            self.rest().push_back(piece);
        }
    }

    pub(crate) fn push_front(&mut self, piece: T) {
        if let Some(second) = self.first.replace(piece) {
            self.rest().push_front(second);
        }
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take();
        if let Some(rest) = &mut self.rest {
            self.first = rest.0.pop_front();
            if rest.0.is_empty() {
                self.rest = None;
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_their_order_and_leave_no_memory() {
        for count in 0..4 {
            let mut pieces = Pieces::default();
            (1..=count).for_each(|piece| pieces.push_back(piece));
            assert_eq!(pieces.len(), count);
            pieces.push_front(0);
            assert_eq!(pieces.len(), count + 1);
            assert_eq!(
                std::iter::from_fn(|| pieces.pop_front()).collect::<Vec<_>>(),
                (0..=count).collect::<Vec<_>>()
            );
            assert!(pieces.rest.is_none() && pieces.pop_front().is_none() && pieces.len() == 0);
        }
    }
}
