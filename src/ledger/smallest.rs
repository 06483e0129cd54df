//! A map with a ceiling whose content does not depend on the order things came in.

use std::collections::BTreeMap;

/// Keeps the entries with the smallest keys. A key that had to go can never be among the smallest
/// again, because what pushed it out only ever grows: so each entry that is kept is complete.
#[derive(Debug)]
pub(super) struct Smallest<K, V> {
    entries: BTreeMap<K, V>,
    ceiling: usize,
}

impl<K: Ord, V> Smallest<K, V> {
    /// Room for `ceiling` entries.
    pub(super) const fn new(ceiling: usize) -> Self {
        Self { entries: BTreeMap::new(), ceiling }
    }

    /// Adds `value` under `key`, joined to what is there already.
    pub(super) fn merge(&mut self, key: K, value: V, join: impl FnOnce(&mut V, V)) {
        if let Some(there) = self.entries.get_mut(&key) {
            join(there, value);
            return;
        }
        if self.entries.len() >= self.ceiling {
            if self.entries.last_key_value().is_none_or(|(last, _)| *last < key) {
                return;
            }
            self.entries.pop_last();
        }
        self.entries.insert(key, value);
    }

    /// Adds all of another map.
    pub(super) fn merge_all(&mut self, other: Self, join: impl Fn(&mut V, V)) {
        for (key, value) in other.entries {
            self.merge(key, value, &join);
        }
    }

    /// The values, by key.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values()
    }

    /// What is under a key.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// The smallest key that is `key` or greater.
    pub(super) fn first_from(&self, key: K) -> Option<&K> {
        self.entries.range(key..).next().map(|(key, _)| key)
    }
}

impl<K, V> IntoIterator for Smallest<K, V> {
    type Item = (K, V);
    type IntoIter = std::collections::btree_map::IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
