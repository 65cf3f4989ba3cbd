//! The system's files about names, read again when they have changed.

use crate::hosts::Hosts;
use hickory_resolver::TokioResolver;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

const HOSTS: &str = "/etc/hosts";
const NSSWITCH: &str = "/etc/nsswitch.conf";
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Where names are looked for.
///
/// Source: nsswitch.conf(5), the `hosts` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// hosts(5).
    Files,
    /// The name servers of resolv.conf(5).
    Dns,
    /// A module that we do not have: whoever finds nothing elsewhere has failed.
    Other,
}

/// The files as they are now.
#[derive(Clone)]
pub struct Names {
    /// Where to look, in this order.
    pub order: Vec<Source>,
    /// hosts(5).
    pub hosts: Arc<Hosts>,
    /// The name servers, if any can be asked.
    pub dns: Option<TokioResolver>,
}

type Stamps = [Option<(SystemTime, u64)>; 3];

/// Keeps [`Names`] current.
pub struct Files {
    kept: Mutex<Option<(Stamps, Names)>>,
}

impl Files {
    /// Nothing has been read yet.
    pub fn new() -> Self {
        Files {
            kept: Mutex::new(None),
        }
    }

    /// What the files say now.
    pub fn current(&self) -> Names {
        let stamps = [HOSTS, NSSWITCH, RESOLV_CONF].map(stamp);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, names)) = &*kept
            && *then == stamps
        {
            return names.clone();
        }
        let names = Names {
            order: order(&read(NSSWITCH)),
            hosts: Arc::new(Hosts::parse(&read(HOSTS))),
            dns: crate::dns::resolver(),
        };
        *kept = Some((stamps, names.clone()));
        names
    }
}

fn stamp(path: &str) -> Option<(SystemTime, u64)> {
    let data = Path::new(path).metadata().ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// A file that cannot be read says nothing, as for libc.
fn read(path: &str) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

/// The sources of the `hosts` line; without one: files, then dns.
///
/// An action in brackets belongs to the module before it: `[NOTFOUND=return]` ends the list
/// after files or dns. Modules that speak only for the machine itself or for a name space of
/// their own (mdns, myhostname, mymachines) find nothing here. Any other could know a name
/// that we do not: [`Source::Other`].
fn order(nsswitch: &[u8]) -> Vec<Source> {
    let text = String::from_utf8_lossy(nsswitch);
    let line = text.lines().find_map(|line| {
        let line = line.split('#').next()?.trim();
        line.strip_prefix("hosts:").map(str::to_owned)
    });
    let Some(line) = line else {
        return vec![Source::Files, Source::Dns];
    };
    let mut order = Vec::new();
    let mut last = None;
    for word in line.split_whitespace() {
        let word = word.to_ascii_lowercase();
        if word.starts_with('[') {
            if word == "[notfound=return]" && last.is_some() {
                break;
            }
            continue;
        }
        last = match word.as_str() {
            "files" => Some(Source::Files),
            "dns" | "resolve" => Some(Source::Dns),
            "myhostname" | "mymachines" => None,
            mdns if mdns.starts_with("mdns") => None,
            _ => {
                order.push(Source::Other);
                None
            }
        };
        order.extend(last);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_sources() {
        use Source::{Dns, Files, Other};
        for (text, expected) in [
            ("", vec![Files, Dns]),
            ("passwd: files\nhosts: dns files # x\n", vec![Dns, Files]),
            (
                "hosts:files mdns4_minimal [NOTFOUND=return] dns\n",
                vec![Files, Dns],
            ),
            ("hosts: files [NOTFOUND=return] dns\n", vec![Files]),
            ("hosts: files sss dns\n", vec![Files, Other, Dns]),
            ("hosts: mymachines files myhostname\n", vec![Files]),
        ] {
            assert_eq!(order(text.as_bytes()), expected, "{text}");
        }
    }
}
