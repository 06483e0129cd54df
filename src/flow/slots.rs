//! Entries that wait in queues, the one idle longest in front. Everything is done in constant time.

use std::fmt;

use crate::model::time::Timestamp;

/// Where an entry stands. Stays valid until the entry is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(pub(super) u32);

const NONE: u32 = u32::MAX;

/// Entries of type `T` in `QUEUES` queues.
pub(super) struct Slots<T, const QUEUES: usize> {
    slots: Vec<Place<T>>,
    free: Vec<u32>,
    ends: [Ends; QUEUES],
}

struct Place<T> {
    value: Option<T>,
    /// Last use.
    at: Timestamp,
    before: u32,
    after: u32,
    queue: u8,
}

#[derive(Clone, Copy)]
struct Ends {
    first: u32,
    last: u32,
    count: u32,
}

impl<T, const QUEUES: usize> Slots<T, QUEUES> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), ends: [Ends { first: NONE, last: NONE, count: 0 }; QUEUES] }
    }

    /// How many entries there are.
    pub(super) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many entries a queue has.
    pub(super) fn count(&self, queue: usize) -> usize {
        self.ends.get(queue).map_or(0, |ends| ends.count as usize)
    }

    /// The queue an entry is in.
    pub(super) fn queue(&self, slot: Slot) -> Option<usize> {
        self.slots.get(slot.0 as usize).map(|place| usize::from(place.queue))
    }

    /// Adds an entry at the end of a queue.
    pub(super) fn insert(&mut self, value: T, queue: usize, at: Timestamp) -> Slot {
        let place = Place { value: Some(value), at, before: NONE, after: NONE, queue: 0 };
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(old) = self.slots.get_mut(index as usize) {
                    *old = place;
                }
                index
            }
            None => {
                self.slots.push(place);
                u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
            }
        };
        self.join(index, queue);
        Slot(index)
    }

    pub(super) fn value(&self, slot: Slot) -> Option<&T> {
        self.slots.get(slot.0 as usize)?.value.as_ref()
    }

    pub(super) fn value_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.slots.get_mut(slot.0 as usize)?.value.as_mut()
    }

    /// When an entry was last used.
    pub(super) fn used(&self, slot: Slot) -> Timestamp {
        self.slots.get(slot.0 as usize).map_or_else(Timestamp::default, |place| place.at)
    }

    /// Notes a use of an entry: moves it to the end of a queue.
    pub(super) fn touch(&mut self, slot: Slot, queue: usize, at: Timestamp) {
        let Some(place) = self.slots.get_mut(slot.0 as usize) else { return };
        place.at = at;
        if usize::from(place.queue) == queue && place.after == NONE {
            return;
        }
        self.leave(slot.0);
        self.join(slot.0, queue);
    }

    /// Corrects when an entry was last used, without moving it.
    pub(super) fn stamp(&mut self, slot: Slot, at: Timestamp) {
        if let Some(place) = self.slots.get_mut(slot.0 as usize) {
            place.at = at;
        }
    }

    /// The entry of a queue that was idle longest, and when it was last used.
    pub(super) fn oldest(&self, queue: usize) -> Option<(Slot, Timestamp)> {
        let first = self.ends.get(queue)?.first;
        Some((Slot(first), self.slots.get(first as usize)?.at))
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let value = self.slots.get_mut(slot.0 as usize)?.value.take()?;
        self.leave(slot.0);
        self.free.push(slot.0);
        Some(value)
    }

    /// All entries, in no useful order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        (0..).zip(&self.slots).filter_map(|(index, place)| Some((Slot(index), place.value.as_ref()?)))
    }

    fn leave(&mut self, index: u32) {
        let Some(&Place { before, after, queue, .. }) = self.slots.get(index as usize) else { return };
        let Some(ends) = self.ends.get_mut(usize::from(queue)) else { return };
        ends.count -= 1;
        match self.slots.get_mut(before as usize) {
            Some(place) => place.after = after,
            None => ends.first = after,
        }
        match self.slots.get_mut(after as usize) {
            Some(place) => place.before = before,
            None => ends.last = before,
        }
    }

    fn join(&mut self, index: u32, queue: usize) {
        let Some(ends) = self.ends.get_mut(queue) else { return };
        ends.count += 1;
        let before = ends.last;
        ends.last = index;
        match self.slots.get_mut(before as usize) {
            Some(place) => place.after = index,
            None => ends.first = index,
        }
        if let Some(place) = self.slots.get_mut(index as usize) {
            (place.before, place.after, place.queue) = (before, NONE, queue as u8);
        }
    }
}

impl<T, const QUEUES: usize> fmt::Debug for Slots<T, QUEUES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slots({} entries)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(slots: &mut Slots<char, 2>, queue: usize) -> String {
        let mut order = String::new();
        while let Some((slot, _)) = slots.oldest(queue) {
            order.extend(slots.remove(slot));
        }
        order
    }

    #[test]
    fn the_one_idle_longest_comes_first() {
        let mut slots = Slots::<char, 2>::new();
        let at = Timestamp::from_nanos;
        let [a, b, c, _] = [('a', 0), ('b', 1), ('c', 2), ('d', 3)].map(|(name, t)| slots.insert(name, 0, at(t)));
        slots.touch(a, 0, at(4));
        slots.touch(c, 1, at(5));
        slots.touch(a, 0, at(6));
        assert_eq!((slots.oldest(0), slots.used(a)), (Some((b, at(1))), at(6)));
        assert_eq!(slots.remove(b), Some('b'));
        let e = slots.insert('e', 0, at(7));
        assert_eq!((e, slots.len()), (b, 4), "room is used again");
        assert_eq!((slots.count(0), slots.count(1), slots.queue(c)), (3, 1, Some(1)));
        assert_eq!(order(&mut slots, 0), "dae");
        assert_eq!(order(&mut slots, 1), "c");
        assert_eq!(slots.len(), 0);
    }
}
