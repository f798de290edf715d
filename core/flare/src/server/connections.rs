//! The connections of a worker, by the driver's key.

use flare_net::Key;

/// Values by key, in a vector that the driver's index points into.
pub(crate) struct Connections<T> {
    slots: Vec<Option<(Key, T)>>,
    open: usize,
}

impl<T> Connections<T> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), open: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open == 0
    }

    pub(crate) fn insert(&mut self, key: Key, value: T) {
        if self.slots.len() <= key.index() {
            self.slots.resize_with(key.index() + 1, || None);
        }
        if let Some(slot) = self.slots.get_mut(key.index())
            && slot.replace((key, value)).is_none()
        {
            self.open += 1;
        }
    }

    /// The value of this key; none for a key whose connection was closed.
    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.slots.get_mut(key.index()) {
            Some(Some((own, value))) if *own == key => Some(value),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.index())?;
        match slot {
            Some((own, _)) if *own == key => {
                self.open -= 1;
                slot.take().map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.slots.iter().flatten().map(|(key, _)| *key).collect()
    }
}
