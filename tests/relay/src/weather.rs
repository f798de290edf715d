//! What happens to a datagram.

use std::time::Duration;

/// How one direction of a path is. Chances are from 0 to 1, and independent of each other.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Weather {
    /// The chance that a datagram is lost.
    pub loss: f64,
    /// The chance that it is sent twice.
    pub duplicate: f64,
    /// The chance that it is held back until the next one of the same client has passed; 20 ms at most.
    pub reorder: f64,
    /// How long every datagram takes. Exact to about a millisecond.
    pub delay: Duration,
    /// How much longer it may take, any time up to this being as likely. It reorders, too.
    pub jitter: Duration,
    /// A longer datagram is lost: a path with such an MTU that tells nobody.
    pub longest: usize,
}

impl Weather {
    /// Everything passes at once.
    pub const FAIR: Weather = Weather {
        loss: 0.0,
        duplicate: 0.0,
        reorder: 0.0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        longest: usize::MAX,
    };

    /// Everything at once, as bad as a protocol has to survive: 5 % are lost, 5 % come twice, 10 % in the wrong order, all of them 1 to 4 ms
    /// late.
    pub const FOUL: Weather = Weather {
        loss: 0.05,
        duplicate: 0.05,
        reorder: 0.1,
        delay: Duration::from_millis(1),
        jitter: Duration::from_millis(3),
        longest: usize::MAX,
    };
}

impl Default for Weather {
    fn default() -> Weather {
        Weather::FAIR
    }
}

/// What was drawn for one datagram.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(crate) struct Fate {
    pub(crate) lost: bool,
    pub(crate) twice: bool,
    pub(crate) held: bool,
    pub(crate) delay: Duration,
}

/// Random numbers that a seed decides (SplitMix64).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number from 0 to 1, 1 excluded.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Always so many numbers for one datagram: so the weather of one chance does not change the draws of the others.
    pub(crate) fn draw(&mut self, weather: &Weather) -> Fate {
        Fate {
            lost: self.roll() < weather.loss,
            twice: self.roll() < weather.duplicate,
            held: self.roll() < weather.reorder,
            delay: weather.delay + weather.jitter.mul_f64(self.roll()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64, weather: Weather) -> Vec<Fate> {
        let mut dice = Dice::new(seed);
        (0..10_000).map(|_| dice.draw(&weather)).collect()
    }

    #[test]
    fn a_seed_decides() {
        assert_eq!(draws(1, Weather::FOUL), draws(1, Weather::FOUL));
        assert_ne!(draws(1, Weather::FOUL), draws(2, Weather::FOUL));
    }

    #[test]
    fn chances_are_what_they_say() {
        let all = draws(3, Weather::FOUL);
        let share =
            |of: fn(&Fate) -> bool| all.iter().filter(|fate| of(fate)).count() as f64 / all.len() as f64;
        assert!((share(|fate| fate.lost) - 0.05).abs() < 0.01);
        assert!((share(|fate| fate.twice) - 0.05).abs() < 0.01);
        assert!((share(|fate| fate.held) - 0.1).abs() < 0.01);
        assert!((share(|fate| fate.delay < Duration::from_micros(2_500)) - 0.5).abs() < 0.02);
        assert!(all.iter().all(|fate| (1..=4).contains(&fate.delay.as_micros().div_ceil(1000))));
    }

    #[test]
    fn fair_weather_does_nothing_and_certainty_is_certain() {
        let nothing = Fate { lost: false, twice: false, held: false, delay: Duration::ZERO };
        assert!(draws(4, Weather::FAIR).iter().all(|fate| *fate == nothing));
        let certain = Weather { loss: 1.0, duplicate: 1.0, reorder: 1.0, ..Weather::FAIR };
        assert!(draws(5, certain).iter().all(|fate| fate.lost && fate.twice && fate.held));
    }

    #[test]
    fn one_chance_does_not_move_the_others() {
        let with_loss = draws(6, Weather { loss: 0.5, ..Weather::FOUL });
        for (one, other) in draws(6, Weather::FOUL).iter().zip(with_loss) {
            assert_eq!((one.twice, one.held, one.delay), (other.twice, other.held, other.delay));
        }
    }
}
