//! Host names as name servers spell them.

use hickory_resolver::proto::rr::Name;
use hickory_resolver::proto::rr::domain::Label;

/// Whether the C library takes this for a host name: letters, digits, `-` and `_` in every
/// label, and no `-` in front.
///
/// Source: res_hnok(3).
pub fn is_host_name<'a>(mut labels: impl Iterator<Item = &'a [u8]>) -> bool {
    let plain = |label: &[u8]| {
        label
            .iter()
            .all(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    labels
        .next()
        .is_none_or(|first| plain(first) && !first.starts_with(b"-"))
        && labels.all(plain)
}

/// A name from an answer as text without the final dot, or `None` if it is no host name.
pub fn text_of(name: &Name) -> Option<Vec<u8>> {
    let labels: Vec<&[u8]> = name.iter().collect();
    is_host_name(labels.iter().copied()).then(|| labels.join(&b'.'))
}

/// A text as a name to ask for, from the root. `None` if it is no host name or too long.
pub fn name_of(text: &[u8]) -> Option<Name> {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let labels: Vec<&[u8]> = text.split(|&b| b == b'.').collect();
    if !is_host_name(labels.iter().copied()) {
        return None;
    }
    let labels: Result<Vec<Label>, _> = labels.into_iter().map(Label::from_raw_bytes).collect();
    Name::from_labels(labels.ok()?).ok()
}

/// The names that the C library would ask for, in its order: a name with fewer dots than
/// `ndots` is tried below the search domains first, any other as it is.
///
/// Source: resolv.conf(5).
pub fn candidates(text: &[u8], search: &[Name], ndots: usize) -> Vec<Name> {
    let Some(plain) = name_of(text) else {
        return Vec::new();
    };
    if text.ends_with(b".") {
        return vec![plain];
    }
    let below = search.iter().filter_map(|domain| {
        let mut relative = plain.clone();
        relative.set_fqdn(false);
        let mut name = relative.append_domain(domain).ok()?;
        name.set_fqdn(true);
        Some(name)
    });
    let mut names: Vec<Name> = below.collect();
    let dots = text.iter().filter(|&&b| b == b'.').count();
    let place = if dots >= ndots { 0 } else { names.len() };
    names.insert(place, plain);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spelled(text: &str, search: &[&str], ndots: usize) -> Vec<String> {
        let search: Vec<Name> = search
            .iter()
            .map(|d| name_of(d.as_bytes()).unwrap())
            .collect();
        let names = candidates(text.as_bytes(), &search, ndots);
        names.iter().map(Name::to_ascii).collect()
    }

    #[test]
    fn the_search_list_is_used_as_the_c_library_does() {
        let search = ["one.test", "two.test"];
        assert_eq!(
            spelled("a.b", &search, 1),
            ["a.b.", "a.b.one.test.", "a.b.two.test."]
        );
        assert_eq!(
            spelled("a", &search, 1),
            ["a.one.test.", "a.two.test.", "a."]
        );
        assert_eq!(spelled("a.b", &search, 2).last().unwrap(), "a.b.");
        assert_eq!(spelled("a.b.", &search, 1), ["a.b."]);
        assert_eq!(spelled("a", &[], 1), ["a."]);
        assert!(spelled("", &search, 1).is_empty());
    }

    #[test]
    fn names_with_other_characters_are_none() {
        for good in ["a", "A-1.b_c", "_x.a-.test", "a.-b"] {
            assert!(name_of(good.as_bytes()).is_some(), "{good}");
        }
        let long = "x".repeat(64);
        let longer = ["abcdefghi"; 30].join(".");
        for bad in [
            "", "-a", "a b", "a..b", ".", "a\0", "ä.test", "a/b", &long, &longer,
        ] {
            assert!(name_of(bad.as_bytes()).is_none(), "{bad}");
        }
        let inner_dot = Name::from_labels([&b"a.b"[..], b"c"]).unwrap();
        assert_eq!(text_of(&inner_dot), None);
        assert_eq!(text_of(&name_of(b"A.b").unwrap()).unwrap(), b"A.b");
        assert_eq!(text_of(&Name::root()).unwrap(), b"");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_name_or_none(text: Vec<u8>, ndots: usize) {
            if let Some(name) = name_of(&text) {
                let text = text.strip_suffix(b".").unwrap_or(&text);
                prop_assert_eq!(text_of(&name).unwrap(), text);
            }
            candidates(&text, &[name_of(b"d.test").unwrap()], ndots);
        }
    }
}
