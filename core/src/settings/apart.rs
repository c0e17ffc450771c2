//! Keeps functions small: HotSpot never compiles a method of more than 8,000 bytes, and the core runs
//! in its JVM, too. What is generic over maps and serializers is inlined into its callers without
//! these.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// `BTreeMap::insert`.
#[inline(never)]
pub(crate) fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) -> Option<V> {
    map.insert(key, value)
}

/// `BTreeSet::insert`.
#[inline(never)]
pub(crate) fn add<K: Ord>(set: &mut BTreeSet<K>, key: K) -> bool {
    set.insert(key)
}

/// For `#[serde(deserialize_with)]`.
#[inline(never)]
pub(crate) fn taken<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    T::deserialize(from)
}

/// For `#[serde(serialize_with)]`.
#[inline(never)]
pub(crate) fn apart<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.serialize(to)
}
