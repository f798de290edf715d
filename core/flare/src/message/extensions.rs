//! Values that middleware attaches to a request: by type in Rust, texts by name in every language.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Values by type and texts by name. Few, so lists are enough; most requests have none, and those have no lists.
#[derive(Default)]
pub(crate) struct Extensions(OnceLock<Box<Mutex<Lists>>>);

#[derive(Default)]
struct Lists {
    values: Vec<Arc<dyn Any + Send + Sync>>,
    texts: Vec<(String, String)>,
}

impl Extensions {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.lists().values.iter().find_map(|value| Arc::clone(value).downcast().ok())
    }

    pub(crate) fn set<T: Send + Sync + 'static>(&self, value: T) {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        let old = {
            let mut lists = self.lists();
            let place = lists.values.iter_mut().find(|value| value.is::<T>());
            match place {
                Some(place) => Some(std::mem::replace(place, value)),
                None => {
                    lists.values.push(value);
                    None
                }
            }
        };
        // Without the lock: a value's destructor may be anything.
        drop(old);
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.lists().texts.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }

    pub(crate) fn set_text(&self, name: &str, value: &str) {
        let mut lists = self.lists();
        match lists.texts.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) => value.clone_into(own),
            None => lists.texts.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Only for the sole holder of the request.
    pub(crate) fn clear(&mut self) {
        if let Some(lists) = self.0.get_mut() {
            let lists = lists.get_mut().unwrap_or_else(PoisonError::into_inner);
            lists.values.clear();
            lists.texts.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_of_each_name() {
        let extensions = Extensions::default();
        assert_eq!(extensions.text("a"), None);
        extensions.set_text("a", "1");
        extensions.set_text("b", "2");
        extensions.set_text("a", "3");
        assert_eq!(
            (extensions.text("a").as_deref(), extensions.text("b").as_deref()),
            (Some("3"), Some("2"))
        );
    }

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
