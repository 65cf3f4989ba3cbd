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

/// The sources of the `hosts` line. Modules other than `files` and `dns` find nothing here;
/// `[NOTFOUND=return]` ends the list. Without a line: files, then dns.
fn order(nsswitch: &[u8]) -> Vec<Source> {
    let text = String::from_utf8_lossy(nsswitch);
    let line = text.lines().find_map(|line| {
        line.split('#')
            .next()?
            .trim()
            .strip_prefix("hosts:")
            .map(str::to_owned)
    });
    let Some(line) = line else {
        return vec![Source::Files, Source::Dns];
    };
    let mut order = Vec::new();
    for word in line.split_whitespace() {
        match word.to_ascii_lowercase().as_str() {
            "files" => order.push(Source::Files),
            "dns" | "resolve" => order.push(Source::Dns),
            "[notfound=return]" if !order.is_empty() => break,
            _ => {}
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_sources() {
        use Source::{Dns, Files};
        for (text, expected) in [
            ("", vec![Files, Dns]),
            ("passwd: files\nhosts: dns files # x\n", vec![Dns, Files]),
            (
                "hosts:files mdns4_minimal [NOTFOUND=return] dns\n",
                vec![Files],
            ),
            ("hosts: mymachines files myhostname\n", vec![Files]),
        ] {
            assert_eq!(order(text.as_bytes()), expected, "{text}");
        }
    }
}
