//! Values that must not leak.

use std::fmt;

/// Bytes that may be a secret. There is no `Display`, and `Debug` prints the length alone, so a
/// secret cannot reach a log line or a panic message by accident.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// Marks bytes as sensitive.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes, for matching, masking and fingerprinting. Nothing else may call it.
    pub const fn expose(self) -> &'a [u8] {
        self.0
    }

    /// Length in bytes.
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to protect.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// A secret an analyzer must hold until the server has answered. Overwritten when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeldSecret(Vec<u8>);

impl HeldSecret {
    /// Copies the bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The view an event carries.
    pub fn as_secret(&self) -> Secret<'_> {
        Secret::new(&self.0)
    }
}

impl Drop for HeldSecret {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

impl fmt::Debug for HeldSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_secret().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_the_length_alone() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2")), "Secret(7 bytes)");
        assert_eq!(format!("{:?}", HeldSecret::new(*b"hunter2")), "Secret(7 bytes)");
    }
}
