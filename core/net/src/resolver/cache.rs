//! Answers that are still believed.

use super::Answer;
use crate::HostName;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A bounded number of answers, each until its time is over.
pub(super) struct Cache {
    entries: HashMap<HostName, (Answer, Instant)>,
    most: usize,
}

impl Cache {
    pub(super) fn new(most: usize) -> Cache {
        Cache { entries: HashMap::new(), most }
    }

    pub(super) fn get(&mut self, name: &HostName, now: Instant) -> Option<Answer> {
        let (answer, until) = self.entries.get(name)?;
        if *until > now {
            return Some(answer.clone());
        }
        self.entries.remove(name);
        None
    }

    /// Keeps an answer for a while; with an age of zero, or no room at all, it is not kept.
    pub(super) fn put(&mut self, name: &HostName, answer: &Answer, now: Instant, age: Duration) {
        if age.is_zero() || self.most == 0 {
            return;
        }
        if self.entries.len() >= self.most && !self.entries.contains_key(name) {
            self.entries.retain(|_, (_, until)| *until > now);
            if self.entries.len() >= self.most
                && let Some(oldest) =
                    self.entries.iter().min_by_key(|(_, (_, until))| *until).map(|(name, _)| name.clone())
            {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(name.clone(), (answer.clone(), now + age));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        HostName::new(text).unwrap()
    }

    #[test]
    fn answers_age_and_the_oldest_goes_first() {
        let (mut cache, start, second) = (Cache::new(2), Instant::now(), Duration::from_secs(1));
        let answer: Answer = Ok([([127, 0, 0, 1], 0).into()].into());
        cache.put(&name("none"), &answer, start, Duration::ZERO);
        assert_eq!(cache.get(&name("none"), start), None);
        cache.put(&name("a"), &answer, start, second * 2);
        cache.put(&name("b"), &answer, start, second);
        cache.put(&name("c"), &answer, start, second * 3);
        assert_eq!(cache.get(&name("b"), start), None);
        assert_eq!(cache.get(&name("a"), start), Some(answer.clone()));
        assert_eq!(cache.get(&name("a"), start + second * 2), None);
        assert_eq!(cache.get(&name("c"), start + second * 2), Some(answer));
        assert_eq!(cache.entries.len(), 1);
    }
}
