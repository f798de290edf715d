//! Objects by number, which is all that JavaScript holds of them.

/// Bits of a number that say where it is; the others are counted up, so that an old number finds nothing.
const PLACE_BITS: u32 = 20;
/// Numbers stay below 2^30: the engine keeps such ones without an allocation.
const GENERATIONS: u32 = 1 << 10;

struct Place<T> {
    generation: u32,
    object: Option<T>,
    /// Whether the place is taken, also while its object is out of it.
    taken: bool,
}

/// The objects of one kind that JavaScript has in its hands.
pub(crate) struct Numbered<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Numbered<T> {
    /// Keeps an object, and gives its number. `None`: a million are here already, and it is dropped.
    pub(crate) fn insert(&mut self, object: T) -> Option<i32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.places.len()).ok().filter(|index| index >> PLACE_BITS == 0)?;
                self.places.push(Place { generation: 0, object: None, taken: false });
                index
            }
        };
        let place = self.places.get_mut(index as usize)?;
        place.object = Some(object);
        place.taken = true;
        i32::try_from(place.generation << PLACE_BITS | index).ok()
    }

    fn index(&self, id: i32) -> Option<usize> {
        let id = u32::try_from(id).ok()?;
        let index = (id & ((1 << PLACE_BITS) - 1)) as usize;
        let place = self.places.get(index)?;
        (place.taken && place.generation == id >> PLACE_BITS).then_some(index)
    }

    /// The object of this number, if it is here.
    pub(crate) fn get(&self, id: i32) -> Option<&T> {
        self.places.get(self.index(id)?)?.object.as_ref()
    }

    /// Takes an object out for a moment: its number stays its own until [`Numbered::put`].
    pub(crate) fn take(&mut self, id: i32) -> Option<T> {
        let index = self.index(id)?;
        self.places.get_mut(index)?.object.take()
    }

    /// Puts back what was taken. It comes back when its number was let go in between.
    pub(crate) fn put(&mut self, id: i32, object: T) -> Option<T> {
        let place = self.index(id).and_then(|index| self.places.get_mut(index));
        match place {
            Some(place) => place.object.replace(object),
            None => Some(object),
        }
    }

    /// Whether an object was taken out, and did not come back.
    pub(crate) fn is_out(&self, id: i32) -> bool {
        self.index(id).and_then(|index| self.places.get(index)).is_some_and(|place| place.object.is_none())
    }

    /// Lets a number go, and gives back its object, which the caller drops without a borrow.
    pub(crate) fn remove(&mut self, id: i32) -> Option<T> {
        let index = self.index(id)?;
        let place = self.places.get_mut(index)?;
        place.taken = false;
        place.generation = (place.generation + 1) % GENERATIONS;
        self.free.push(u32::try_from(index).ok()?);
        place.object.take()
    }

    /// How many objects JavaScript holds.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Numbered;

    #[test]
    fn an_old_number_finds_nothing() {
        let mut objects = Numbered::default();
        let old = objects.insert("first").unwrap();
        assert_eq!(objects.get(old), Some(&"first"));
        assert_eq!(objects.remove(old), Some("first"));
        let new = objects.insert("second").unwrap();
        assert_ne!(old, new, "the place is used again, under another number");
        assert!(objects.get(old).is_none() && objects.remove(old).is_none());
        assert_eq!(objects.len(), 1);
        for wrong in [-1, i32::MAX, i32::MIN, new + 1] {
            assert!(objects.get(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_is_out_keeps_its_number_until_that_is_let_go() {
        let mut objects = Numbered::default();
        let id = objects.insert("it").unwrap();
        let out = objects.take(id).unwrap();
        assert!(objects.is_out(id) && objects.get(id).is_none());
        assert!(objects.put(id, out).is_none() && !objects.is_out(id));
        let out = objects.take(id).unwrap();
        assert!(objects.remove(id).is_none());
        assert_eq!(objects.put(id, out), Some("it"), "nobody waits for it any more");
        assert_eq!(objects.len(), 0);
    }
}
