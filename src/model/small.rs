//! A map for the few: most flows have one mechanism, one kind of finding, no name at all.

use serde::{Serialize, Serializer};

/// A map of few entries, sorted by key. An empty one takes no memory of its own, and one of a single
/// entry not much more than that entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SmallMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> SmallMap<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.at(key).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Adds `value` under `key`, joined to what is there already.
    pub fn merge(&mut self, key: K, value: V, join: impl FnOnce(&mut V, V)) {
        match self.at(&key) {
            Ok(at) => {
                if let Some((_, there)) = self.0.get_mut(at) {
                    join(there, value);
                }
            }
            Err(at) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (key, value));
            }
        }
    }

    /// Adds all of another map.
    pub fn merge_all(&mut self, other: Self, join: impl Fn(&mut V, V)) {
        for (key, value) in other {
            self.merge(key, value, &join);
        }
    }

    /// Keeps the `count` entries with the smallest keys.
    pub fn truncate(&mut self, count: usize) {
        self.0.truncate(count);
    }

    /// The entries, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// How many entries there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn at(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(there, _)| there.cmp(key))
    }
}

impl<K, V> IntoIterator for SmallMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SmallMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_joined_and_sorted() {
        let mut map = SmallMap::default();
        for (key, value) in [("b", 1), ("a", 2), ("b", 3), ("c", 4)] {
            map.merge(key, value, |there, more| *there += more);
        }
        assert_eq!(map.get(&"b"), Some(&4));
        map.truncate(2);
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [("a", 2), ("b", 4)]);
    }
}
