//! What the fuzz targets share: how an input is cut into records, and how records are mutated as such.
//!
//! A record is one byte for its kind, two for the length, then the bytes. A length that says more than
//! there is means the rest, so that every input is a list of records.

pub mod records;
pub mod stage;

/// The link types that `frames` tries, by the first byte of its input.
pub const LINK_TYPES: &[u16] = &[
    1, 0, 6, 9, 10, 12, 50, 51, 100, 104, 105, 107, 108, 109, 113, 117, 119, 127, 138, 163, 166, 192, 204, 228, 229,
    239, 276,
];
