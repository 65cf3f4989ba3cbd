//! Numbers as the C library reads them, which the language has inherited.

/// Sign and magnitude of the number at the start of `text`, and what follows it.
///
/// The magnitude saturates. `None` if there is no digit.
fn leading(text: &[u8], radix: u64) -> Option<(bool, u64, &[u8])> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let mut magnitude = 0u64;
    let mut rest = digits;
    while let Some((&byte, after)) = rest.split_first() {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit >= radix {
            break;
        }
        magnitude = magnitude.saturating_mul(radix).saturating_add(digit);
        rest = after;
    }
    (rest.len() < digits.len()).then_some((negative, magnitude, rest))
}

/// 64 bits, saturating, cut to 32: what `strtol` into an `int` gives.
fn to_int(negative: bool, magnitude: u64) -> i32 {
    let value = match (negative, i64::try_from(magnitude)) {
        (false, Ok(value)) => value,
        (true, Ok(value)) => -value,
        (false, Err(_)) => i64::MAX,
        (true, Err(_)) => i64::MIN,
    };
    value as i32
}

/// 64 bits, saturating, negated, cut to 32: what `strtoul` into an `unsigned` gives.
fn to_unsigned(negative: bool, magnitude: u64) -> u32 {
    if negative && magnitude != u64::MAX {
        magnitude.wrapping_neg() as u32
    } else {
        magnitude as u32
    }
}

/// The number at the start of `text`, 0 if there is none; what follows is ignored.
///
/// Masks and prefix lengths are read this way: `24x` is 24 and `abc` is 0.
#[must_use]
pub fn atoi(text: &[u8]) -> i32 {
    leading(text, 10).map_or(0, |(negative, magnitude, _)| to_int(negative, magnitude))
}

/// A decimal number that is the whole of `text`, as `scanf("%d")` reads it.
#[must_use]
pub fn scan_decimal(text: &[u8]) -> Option<i32> {
    match leading(text, 10)? {
        (negative, magnitude, []) => Some(to_int(negative, magnitude)),
        _ => None,
    }
}

/// An unsigned decimal number that is the whole of `text`, as `scanf("%u")` reads it.
#[must_use]
pub fn scan_unsigned(text: &[u8]) -> Option<u32> {
    match leading(text, 10)? {
        (negative, magnitude, []) => Some(to_unsigned(negative, magnitude)),
        _ => None,
    }
}

/// An octal number that is the whole of `text`, as `scanf("%o")` reads it.
#[must_use]
pub fn scan_octal(text: &[u8]) -> Option<u32> {
    match leading(text, 8)? {
        (negative, magnitude, []) => Some(to_unsigned(negative, magnitude)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoi_takes_what_it_can() {
        for (text, value) in [
            ("24", 24),
            ("24x", 24),
            ("+24", 24),
            ("024", 24),
            ("24.5", 24),
            ("4294967320", 24),
            ("abc", 0),
            ("", 0),
            ("-1", -1),
            ("99999999999999999999", -1),
        ] {
            assert_eq!(atoi(text.as_bytes()), value, "{text}");
        }
    }

    #[test]
    fn scans_are_whole_and_wrap() {
        assert_eq!(scan_octal(b"40000000022"), Some(0o22));
        assert_eq!(scan_octal(b"08"), None);
        assert_eq!(scan_octal(b"0x12"), None);
        assert_eq!(scan_decimal(b"4294967296"), Some(0));
        assert_eq!(scan_decimal(b"2147483648"), Some(i32::MIN));
        assert_eq!(scan_decimal(b"10.5"), None);
        assert_eq!(scan_unsigned(b"4294969619"), Some(2323));
        assert_eq!(scan_unsigned(b"-4294964973"), Some(2323));
        assert_eq!(scan_unsigned(b"-0"), Some(0));
        assert_eq!(scan_unsigned(b"+"), None);
    }
}
