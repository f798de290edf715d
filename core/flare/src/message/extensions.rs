//! Values that middleware attaches to a request.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Values by type. Few, so a list is enough.
#[derive(Default)]
pub(crate) struct Extensions(Mutex<Vec<Arc<dyn Any + Send + Sync>>>);

impl Extensions {
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.iter().find_map(|value| Arc::clone(value).downcast().ok())
    }

    pub(crate) fn set<T: Send + Sync + 'static>(&self, value: T) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.retain(|value| !value.is::<T>());
        values.push(Arc::new(value));
    }

    /// Only for the sole holder of the request.
    pub(crate) fn clear(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_of_each_type() {
        let mut extensions = Extensions::default();
        extensions.set(1_u32);
        extensions.set("text");
        extensions.set(2_u32);
        assert_eq!(extensions.get::<u32>().as_deref(), Some(&2));
        assert_eq!(extensions.get::<&str>().as_deref(), Some(&"text"));
        extensions.clear();
        assert_eq!(extensions.get::<u32>(), None);
    }
}
