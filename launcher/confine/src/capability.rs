//! Capability sets as the bit masks the kernel uses.
//!
//! Source: capabilities(7). Names come from the `caps` crate; the masks also hold
//! capabilities that a newer kernel has and the crate does not know by name.

use caps::Capability;
use std::io;
use std::str::FromStr;

/// A set of capabilities, one bit for each number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// No capability.
    pub const EMPTY: Self = CapabilitySet(0);

    /// Every capability the kernel may have.
    pub const ALL: Self = CapabilitySet(u64::MAX);

    /// The capabilities with these names, with or without `CAP_`, in any case.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        names.into_iter().try_fold(Self::EMPTY, |set, name| {
            let upper = name.to_ascii_uppercase();
            let full = if upper.starts_with("CAP_") {
                upper
            } else {
                format!("CAP_{upper}")
            };
            let capability = Capability::from_str(&full).map_err(|_| name.to_owned())?;
            Ok(CapabilitySet(set.0 | capability.bitmask()))
        })
    }

    /// The capabilities of `self` that are not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        CapabilitySet(self.0 & !other.0)
    }

    /// Whether capability number `capability` is in the set.
    #[must_use]
    pub fn contains(self, capability: u32) -> bool {
        capability < u64::BITS && self.0 & (1 << capability) != 0
    }

    /// The bits.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// A set from bits, as read from the kernel.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        CapabilitySet(bits)
    }
}

/// Highest capability number of the running kernel.
///
/// # Errors
/// The kernel's, where /proc is missing.
pub fn last_capability() -> io::Result<u32> {
    let text = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap")?;
    text.trim()
        .parse()
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_spelling() {
        let set = CapabilitySet::named(["CAP_CHOWN", "kill", "Net_Bind_Service"]).unwrap();
        assert_eq!(set.bits(), 1 | 1 << 5 | 1 << 10);
        assert_eq!(
            CapabilitySet::named(["CHOWN", "FLY"]),
            Err("FLY".to_owned())
        );
    }

    #[test]
    fn what_is_taken_out_is_out() {
        let all = CapabilitySet::ALL;
        let rest = all.without(CapabilitySet::named(["SYS_MODULE"]).unwrap());
        assert!(!rest.contains(16) && rest.contains(17) && rest.contains(63));
        assert!(!rest.contains(64));
    }
}
