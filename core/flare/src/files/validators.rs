//! What tells one state of a file from another: its entity tag and its time (RFC 9110, 8.8).

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::coding::Coding;
use super::entity_tag::EntityTag;

/// A file that changed so recently may change again without a sign: clocks of file systems tick every few milliseconds, some every
/// two seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// The last second that HTTP can write: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// The validators of a representation. There are none when the file has no time: 0 and 1 are what builders of images and packages give
/// to every file, so that another file of the same size would pass for the same one.
#[derive(Debug, Default)]
pub(super) struct Validators {
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    tag: EntityTag,
    /// Whole seconds, as HTTP writes them.
    modified: SystemTime,
}

impl Validators {
    /// From what the system says of an open file. The tag is size and time of change in nanoseconds, and the coding, as one resource
    /// must not have one tag for two representations (8.8.3). It is weak, and the time no strong validator, until the file has settled.
    pub(super) fn new(metadata: &Metadata, coding: Option<Coding>, now: SystemTime) -> Self {
        metadata
            .modified()
            .map_or_else(|_| Self::default(), |time| Self::at(metadata.len(), time, coding, now))
    }

    fn at(size: u64, modified: SystemTime, coding: Option<Coding>, now: SystemTime) -> Self {
        let Ok(age) = modified.duration_since(UNIX_EPOCH) else { return Self::default() };
        if !(2..=LAST_SECOND).contains(&age.as_secs()) {
            return Self::default();
        }
        let weak = now.duration_since(modified).unwrap_or_default() < SETTLED;
        let suffix = coding.map_or("", Coding::extension);
        let opaque = format!("{size:x}-{:x}-{:x}{suffix}", age.as_secs(), age.subsec_nanos());
        // A time in the future is not sent (8.8.2.1).
        let shown = modified.min(now).duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = UNIX_EPOCH + Duration::from_secs(shown.as_secs());
        Self { known: Some(Known { tag: EntityTag::new(&opaque, weak), modified }) }
    }

    /// The entity tag.
    pub(super) fn tag(&self) -> Option<&EntityTag> {
        self.known.as_ref().map(|known| &known.tag)
    }

    /// The time of the last change, in whole seconds.
    pub(super) fn modified(&self) -> Option<SystemTime> {
        self.known.as_ref().map(|known| known.modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_settled_file_has_strong_validators() {
        let time = seconds(1_000_000) + Duration::from_nanos(255);
        let validators = Validators::at(16, time, None, seconds(1_000_003));
        assert_eq!(validators.tag().unwrap().as_str(), "\"10-f4240-ff\"");
        assert_eq!(validators.modified(), Some(seconds(1_000_000)));
        let coded = Validators::at(16, time, Some(Coding::Brotli), seconds(1_000_003));
        assert_eq!(coded.tag().unwrap().as_str(), "\"10-f4240-ff.br\"");
    }

    #[test]
    fn a_file_that_may_still_change_has_weak_ones() {
        for now in [1_000_000, 1_000_001] {
            let validators = Validators::at(1, seconds(1_000_000), None, seconds(now));
            assert!(validators.tag().unwrap().is_weak());
        }
        assert!(!Validators::at(1, seconds(1_000_000), None, seconds(1_000_002)).tag().unwrap().is_weak());
        let future = Validators::at(1, seconds(1_000_009), None, seconds(1_000_000));
        assert!(future.tag().unwrap().is_weak());
        assert_eq!(future.modified(), Some(seconds(1_000_000)));
    }

    #[test]
    fn times_that_say_nothing_give_none() {
        for time in [UNIX_EPOCH - Duration::from_secs(1), seconds(0), seconds(1), seconds(LAST_SECOND + 1)] {
            let validators = Validators::at(1, time, None, seconds(1_000_000));
            assert!(validators.tag().is_none() && validators.modified().is_none(), "{time:?}");
        }
    }
}
