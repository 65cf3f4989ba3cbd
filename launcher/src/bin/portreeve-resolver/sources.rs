//! The places where names are found, asked in the administrator's order.

use crate::dns::Dns;
use crate::hosts::{Addresses, Hosts};
use crate::nsswitch::{self, Order, Place};
use crate::resolvconf::{self, ResolvConf};
use crate::say;
use crate::verify::Names;
use crate::watched::Watched;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::rc::Rc;

const HOSTS: &str = "/etc/hosts";
const NSSWITCH: &str = "/etc/nsswitch.conf";
const RESOLV: &str = "/etc/resolv.conf";

/// What a place says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// It knows, and for how many seconds that holds.
    Yes(T, u32),
    /// It knows that there is nothing, and for how many seconds that holds.
    No(u32),
    /// It could not be asked.
    Failed,
}

/// The files, and the name servers that one of them names.
pub struct Sources {
    hosts: Watched<Hosts>,
    order: Watched<Order>,
    conf: Watched<ResolvConf>,
    /// Set up when first needed and when the file has changed.
    dns: Option<Rc<Dns>>,
    /// How often anything has changed.
    generation: u64,
}

/// The places as they were when a question was asked.
pub struct Places {
    hosts: Rc<Hosts>,
    order: Rc<Order>,
    dns: Option<Rc<Dns>>,
}

impl Sources {
    /// Reads the files.
    pub fn read() -> Self {
        Sources {
            hosts: Watched::read(Path::new(HOSTS), Hosts::parse),
            order: Watched::read(Path::new(NSSWITCH), nsswitch::parse),
            conf: Watched::read(Path::new(RESOLV), resolvconf::parse),
            dns: None,
            generation: 0,
        }
    }

    /// Reads what has changed. What was found out holds as long as the number stays the same.
    pub fn refresh(&mut self) -> u64 {
        let conf = self.conf.refresh();
        if conf {
            self.dns = None;
        }
        // All three, not up to the first that has changed.
        if self.hosts.refresh() | self.order.refresh() | conf {
            self.generation += 1;
        }
        self.generation
    }

    /// The places as they are now.
    pub fn places(&mut self) -> Places {
        if self.dns.is_none() {
            self.dns = match Dns::new(&self.conf.value()) {
                Ok(dns) => Some(Rc::new(dns)),
                Err(error) => {
                    say(&format!("name servers cannot be asked: {error}"));
                    None
                }
            };
        }
        Places {
            hosts: self.hosts.value(),
            order: self.order.value(),
            dns: self.dns.clone(),
        }
    }
}

/// How long what a file says holds; when it changes, everything is forgotten.
const FOR_LONG: u32 = u32::MAX;

impl Names for Places {
    async fn name_of(&self, address: IpAddr) -> Found<Vec<u8>> {
        let mut search = Search::default();
        for step in &self.order.steps {
            let found = match (step.place, &self.dns) {
                (Place::Files, _) => known(self.hosts.name_of(address).map(<[u8]>::to_vec)),
                (Place::MyHostname, _) => known(is_localhost(address).then(|| LOCALHOST.to_vec())),
                (Place::Dns, Some(dns)) => dns.name_of(address).await,
                (Place::Dns, None) => Found::Failed,
            };
            if let Some(end) = search.end(found, step) {
                return end;
            }
        }
        search.without_success()
    }

    async fn addresses_of(&self, name: &[u8], like: IpAddr) -> Found<Addresses> {
        let mut search = Search::default();
        for step in &self.order.steps {
            let found = match (step.place, &self.dns) {
                (Place::Files, _) => known(self.hosts.addresses_of(name, like)),
                (Place::MyHostname, _) => known(localhost(name, like)),
                (Place::Dns, Some(dns)) => dns.addresses_of(name, like).await,
                (Place::Dns, None) => Found::Failed,
            };
            if let Some(end) = search.end(found, step) {
                return end;
            }
        }
        search.without_success()
    }
}

const LOCALHOST: &[u8] = b"localhost";

fn is_localhost(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

fn localhost(name: &[u8], like: IpAddr) -> Option<Addresses> {
    name.eq_ignore_ascii_case(LOCALHOST).then(|| Addresses {
        canonical: LOCALHOST.to_vec(),
        addresses: vec![match like {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        }],
    })
}

fn known<T>(value: Option<T>) -> Found<T> {
    value.map_or(Found::No(FOR_LONG), |value| Found::Yes(value, FOR_LONG))
}

/// A walk through the places.
#[derive(Default)]
struct Search {
    /// A place said that there is nothing, for so long.
    none: Option<u32>,
    /// A place could not be asked.
    failed: bool,
}

impl Search {
    /// Takes a place's answer; returns the search's if it ends here.
    fn end<T>(&mut self, found: Found<T>, step: &nsswitch::Step) -> Option<Found<T>> {
        let ends = match found {
            Found::Yes(..) => return Some(found),
            Found::No(ttl) => {
                self.none = Some(self.none.map_or(ttl, |earlier| earlier.min(ttl)));
                step.ends_if_not_found
            }
            Found::Failed => {
                self.failed = true;
                step.ends_if_unavailable
            }
        };
        ends.then(|| self.without_success())
    }

    /// Nothing was found. It is not known that there is nothing if a place could not be asked
    /// or there is no place.
    fn without_success<T>(&self) -> Found<T> {
        match self.none {
            Some(ttl) if !self.failed => Found::No(ttl),
            _ => Found::Failed,
        }
    }
}
