//! Exchanges by number, which is all that JavaScript holds of them.

use flare::Exchange;

/// Bits of a number that say where it is; the others are counted up, so that an old number finds nothing.
const PLACE_BITS: u32 = 20;
/// Numbers stay below 2^30: the engine keeps such ones without an allocation.
const GENERATIONS: u32 = 1 << 10;

struct Place {
    generation: u32,
    exchange: Option<Exchange>,
    /// Whether the place is taken, also while its exchange is out of it.
    taken: bool,
}

/// The exchanges that JavaScript has in its hands.
#[derive(Default)]
pub(crate) struct Exchanges {
    places: Vec<Place>,
    free: Vec<u32>,
}

impl Exchanges {
    /// Keeps an exchange, and gives its number. `None`: a million are here already, and the exchange is dropped.
    pub(crate) fn insert(&mut self, exchange: Exchange) -> Option<i32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.places.len()).ok().filter(|index| index >> PLACE_BITS == 0)?;
                self.places.push(Place { generation: 0, exchange: None, taken: false });
                index
            }
        };
        let place = self.places.get_mut(index as usize)?;
        place.exchange = Some(exchange);
        place.taken = true;
        i32::try_from(place.generation << PLACE_BITS | index).ok()
    }

    fn index(&self, id: i32) -> Option<usize> {
        let id = u32::try_from(id).ok()?;
        let index = (id & ((1 << PLACE_BITS) - 1)) as usize;
        let place = self.places.get(index)?;
        (place.taken && place.generation == id >> PLACE_BITS).then_some(index)
    }

    /// The exchange of this number, if it is here.
    pub(crate) fn get(&self, id: i32) -> Option<&Exchange> {
        self.places.get(self.index(id)?)?.exchange.as_ref()
    }

    /// Takes an exchange out for a moment: its number stays its own until [`Exchanges::put`].
    pub(crate) fn take(&mut self, id: i32) -> Option<Exchange> {
        let index = self.index(id)?;
        self.places.get_mut(index)?.exchange.take()
    }

    /// Puts back what was taken. It comes back when its number was let go in between.
    pub(crate) fn put(&mut self, id: i32, exchange: Exchange) -> Option<Exchange> {
        let place = self.index(id).and_then(|index| self.places.get_mut(index));
        match place {
            Some(place) => place.exchange.replace(exchange),
            None => Some(exchange),
        }
    }

    /// Whether an exchange was taken out, and did not come back.
    pub(crate) fn is_out(&self, id: i32) -> bool {
        self.index(id).and_then(|index| self.places.get(index)).is_some_and(|place| place.exchange.is_none())
    }

    /// Lets a number go, and gives back its exchange, which the caller drops without a borrow.
    pub(crate) fn remove(&mut self, id: i32) -> Option<Exchange> {
        let index = self.index(id)?;
        let place = self.places.get_mut(index)?;
        place.taken = false;
        place.generation = (place.generation + 1) % GENERATIONS;
        self.free.push(u32::try_from(index).ok()?);
        place.exchange.take()
    }

    /// How many exchanges JavaScript holds.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use flare::testing::TestClient;
    use flare::{Exchange, Router};

    use super::Exchanges;

    fn exchange() -> Exchange {
        let (sender, kept) = channel();
        let mut router = Router::new();
        router.get("/", flare::later(move |exchange| sender.send(exchange).unwrap())).unwrap();
        TestClient::new(router).connect().send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        kept.recv().unwrap()
    }

    #[test]
    fn an_old_number_finds_nothing() {
        let mut exchanges = Exchanges::default();
        let old = exchanges.insert(exchange()).unwrap();
        assert!(exchanges.get(old).is_some());
        assert!(exchanges.remove(old).is_some());
        let new = exchanges.insert(exchange()).unwrap();
        assert_ne!(old, new, "the place is used again, under another number");
        assert!(exchanges.get(old).is_none() && exchanges.remove(old).is_none());
        assert_eq!(exchanges.len(), 1);
        for wrong in [-1, i32::MAX, i32::MIN, new + 1] {
            assert!(exchanges.get(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_out_keeps_its_number_until_that_is_let_go() {
        let mut exchanges = Exchanges::default();
        let id = exchanges.insert(exchange()).unwrap();
        let out = exchanges.take(id).unwrap();
        assert!(exchanges.is_out(id) && exchanges.get(id).is_none());
        assert!(exchanges.put(id, out).is_none() && !exchanges.is_out(id));
        let out = exchanges.take(id).unwrap();
        assert!(exchanges.remove(id).is_none());
        assert!(exchanges.put(id, out).is_some(), "nobody waits for it any more");
        assert_eq!(exchanges.len(), 0);
    }
}
