//! Secret material: zeroized on drop, never printed, compared in constant time.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Secret bytes. No `Display`, no `Serialize`, no `Clone`; `Debug` prints a placeholder.
#[derive(Zeroize, ZeroizeOnDrop, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Every call is a place to review.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An explicit copy, for the few places that need one.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Compares in constant time for equal lengths. SECURITY: there is no `PartialEq` on purpose.
impl SecretBytes {
    pub fn eq_constant_time(&self, other: &[u8]) -> bool {
        eq_constant_time(&self.0, other)
    }
}

/// Secret text, such as a token in its printed form.
#[derive(Zeroize, ZeroizeOnDrop, Default)]
pub struct SecretString(String);

impl SecretString {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl std::fmt::Debug for SecretString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretString(..)")
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// The one comparison for tokens, MACs and keys. Takes the same time whatever differs; lengths are not secret.
pub fn eq_constant_time(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::*;

    struct Type<T>(PhantomData<T>);

    /// Where a type has no `==`.
    trait WithoutEq {
        const HAS_EQ: bool = false;
    }
    impl<T> WithoutEq for Type<T> {}

    impl<T: PartialEq> Type<T> {
        /// Found before the one of the trait.
        const HAS_EQ: bool = true;
    }

    /// `==` stops at the first difference; whoever has a secret must take `eq_constant_time`.
    #[test]
    fn ghsa_34fc_gh42_pj53_secrets_cannot_be_compared_byte_by_byte() {
        const { assert!(Type::<String>::HAS_EQ) };
        const { assert!(!Type::<SecretBytes>::HAS_EQ && !Type::<SecretString>::HAS_EQ) };
        assert!(eq_constant_time(b"same", b"same") && !eq_constant_time(b"same", b"some") && !eq_constant_time(b"a", b"ab"));
    }
}
