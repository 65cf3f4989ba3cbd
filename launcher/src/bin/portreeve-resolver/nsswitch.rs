//! Where host names are looked for, and in which order.
//!
//! Source: nsswitch.conf(5).

use crate::say;
use std::path::Path;

/// A place where names are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The hosts file.
    Files,
    /// Name servers.
    Dns,
    /// `localhost`, which every machine knows.
    MyHostname,
}

/// One place of the order, and whether the search ends there without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where to look.
    pub place: Place,
    /// The search ends if the place does not know (`[NOTFOUND=return]`).
    pub ends_if_not_found: bool,
    /// The search ends if the place cannot be asked (`[UNAVAIL=return]`).
    pub ends_if_unavailable: bool,
}

/// The order in which places are asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// The places we know.
    pub steps: Vec<Step>,
}

/// Reads the `hosts` line; says once which parts of it are left out.
///
/// Without such a line the order is the C library's own: files, then name servers.
pub fn parse(path: &Path, text: &[u8]) -> Order {
    let (order, left_out) = read(&String::from_utf8_lossy(text));
    for part in left_out {
        say(&format!(
            "{}: hosts: {part} is not supported and left out",
            path.display()
        ));
    }
    order
}

fn read(text: &str) -> (Order, Vec<String>) {
    let line = text
        .lines()
        .filter_map(|line| line.split('#').next()?.trim_start().strip_prefix("hosts"))
        .filter_map(|rest| rest.trim_start().strip_prefix(':'))
        .next_back();
    let mut left_out = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = line.unwrap_or("files dns").trim_start();
    // Whether an action list that follows belongs to the last of `steps`.
    let mut known = false;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (actions, after) = inside.split_once(']').unwrap_or((inside, ""));
            if let Some(step) = steps.last_mut().filter(|_| known) {
                left_out.extend(apply(step, actions));
            }
            rest = after.trim_start();
            continue;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || c == '[')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let place = match name {
            "files" => Some(Place::Files),
            "dns" => Some(Place::Dns),
            "myhostname" => Some(Place::MyHostname),
            other => {
                left_out.push(other.to_owned());
                None
            }
        };
        known = place.is_some();
        steps.extend(place.map(|place| Step {
            place,
            ends_if_not_found: false,
            ends_if_unavailable: false,
        }));
        rest = after.trim_start();
    }
    (Order { steps }, left_out)
}

/// Applies an action list; returns the parts that we do not know.
fn apply(step: &mut Step, actions: &str) -> Vec<String> {
    let mut left_out = Vec::new();
    for item in actions.split_whitespace() {
        let upper = item.to_ascii_uppercase();
        let (negated, plain) = match upper.strip_prefix('!') {
            Some(plain) => (true, plain),
            None => (false, upper.as_str()),
        };
        let ends = match plain.split_once('=') {
            Some((status, "RETURN")) => Some((status, true)),
            Some((status, "CONTINUE")) => Some((status, false)),
            _ => None,
        };
        match ends {
            // Success ends the search in any case.
            Some(("SUCCESS", true)) if !negated => (),
            Some((status @ ("NOTFOUND" | "UNAVAIL" | "TRYAGAIN"), ends)) => {
                if (status == "NOTFOUND") != negated {
                    step.ends_if_not_found = ends;
                }
                if (status == "UNAVAIL") != negated {
                    step.ends_if_unavailable = ends;
                }
            }
            _ => left_out.push(format!("[{item}]")),
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(text: &str) -> Vec<(Place, bool, bool)> {
        let steps = read(text).0.steps;
        let flat = |s: Step| (s.place, s.ends_if_not_found, s.ends_if_unavailable);
        steps.into_iter().map(flat).collect()
    }

    const FILES: (Place, bool, bool) = (Place::Files, false, false);
    const DNS: (Place, bool, bool) = (Place::Dns, false, false);

    #[test]
    fn the_order_is_the_lines() {
        assert_eq!(order("passwd: files\nhosts:dns files # x\n"), [DNS, FILES]);
        assert_eq!(order("  hosts :\tfiles\n"), [FILES]);
        assert_eq!(order(""), [FILES, DNS]);
        assert_eq!(order("#hosts: dns\nhostsx: dns\n"), [FILES, DNS]);
        assert_eq!(order("hosts:\n"), []);
    }

    #[test]
    fn what_is_not_known_is_left_out_with_its_actions() {
        let (order, left_out) = read("hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname");
        let places: Vec<Place> = order.steps.iter().map(|s| s.place).collect();
        assert_eq!(places, [Place::Files, Place::Dns, Place::MyHostname]);
        assert!(order.steps.iter().all(|s| !s.ends_if_not_found));
        assert_eq!(left_out, ["mdns4_minimal"]);
        assert_eq!(
            read("hosts: files [SUCCESS=merge] dns").1,
            ["[SUCCESS=merge]"]
        );
    }

    #[test]
    fn actions_end_the_search() {
        let ends = |text| order(text).first().copied();
        assert_eq!(
            ends("hosts: files[NOTFOUND=return]dns"),
            Some((Place::Files, true, false))
        );
        assert_eq!(
            ends("hosts: dns [!UNAVAIL=return] files"),
            Some((Place::Dns, true, false))
        );
        assert_eq!(
            ends("hosts: dns [ notfound=return UNAVAIL=Return ] files"),
            Some((Place::Dns, true, true))
        );
        assert_eq!(ends("hosts: dns [TRYAGAIN=return] files"), Some(DNS));
        assert_eq!(ends("hosts: dns [SUCCESS=return] files"), Some(DNS));
    }

    proptest! {
        #[test]
        fn any_text_is_an_order(text: String) {
            read(&text);
            read(&format!("hosts:{text}"));
        }
    }
}
