//! The services of all files, put together.

use super::{Listen, Origin, Service};
use crate::diagnostic::Diagnostic;
use crate::profile::Profile;
use std::collections::{BTreeSet, HashMap};

/// A profile for a service from another file, chosen by the service's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harden {
    /// What the service must answer to ([`Service::answers_to`]).
    pub id: String,
    /// The profile that replaces the service's own; `None`: it was not understood, so the
    /// service is switched off.
    pub profile: Option<Profile>,
    /// Where it was written.
    pub origin: Origin,
}

/// Puts the services of all files together, in the order of the files.
///
/// Each is hardened as `hardens` say. Where two would listen at the same place, the one that
/// was written first stays, except that an entry for IPv6 takes that half from an entry that
/// only implied it. Ids that occur more than once are told apart by the transport and then
/// by a number: `echo`, `echo/udp`, `echo/tcp/2`. The remarks are about what was left out.
///
/// Two names of one port are not seen as the same place here, and fail when they are bound.
#[must_use]
pub fn assemble(services: Vec<Service>, hardens: &[Harden]) -> (Vec<Service>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let services = harden(services, hardens, &mut diagnostics);
    let mut services = without_doubles(services, &mut diagnostics);
    tell_apart(&mut services);
    (services, diagnostics)
}

fn harden(services: Vec<Service>, hardens: &[Harden], diagnostics: &mut Vec<Diagnostic>) -> Vec<Service> {
    for harden in hardens {
        if !services.iter().any(|service| service.answers_to(&harden.id)) {
            let what = format!("no service is called `{}`", harden.id);
            let place = (harden.origin.file, harden.origin.span.clone());
            diagnostics.push(Diagnostic::warning(place.0, place.1, what, "this profile confines nothing"));
        }
    }
    let hardened = |mut service: Service| {
        let named: Vec<&Harden> =
            hardens.iter().filter(|harden| service.answers_to(&harden.id)).collect();
        for harden in named {
            service.profile = harden.profile.clone()?;
        }
        Some(service)
    };
    services.into_iter().filter_map(hardened).collect()
}

/// What makes two sockets collide.
fn place(listen: &Listen) -> Listen {
    Listen { dual: false, implied: false, ..listen.clone() }
}

fn without_doubles(services: Vec<Service>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Service> {
    let explicit = |service: &Service| service.listen.iter().filter(|l| !l.implied).map(place).collect::<Vec<_>>();
    let named: BTreeSet<_> = services.iter().flat_map(explicit).map(|l| key(&l)).collect();
    let mut taken: HashMap<Listen, String> = HashMap::new();
    let mut kept = Vec::new();
    for mut service in services {
        service.listen.retain(|l| !l.implied || !named.contains(&key(&place(l))));
        let other = service.listen.iter().find_map(|l| taken.get(&place(l)));
        if let Some(other) = other {
            let what = format!("`{}` listens where `{other}` already does", service.id);
            let origin = &service.origin;
            diagnostics.push(Diagnostic::error(
                origin.file,
                origin.span.clone(),
                what,
                "this service is not started; the one written first is",
            ));
            continue;
        }
        taken.extend(service.listen.iter().map(|l| (place(l), service.id.clone())));
        kept.push(service);
    }
    kept
}

/// A socket as something that can be ordered.
fn key(listen: &Listen) -> String {
    format!("{:?}", place(listen))
}

fn tell_apart(services: &mut [Service]) {
    let mut taken = BTreeSet::new();
    for service in services {
        let with_transport = format!("{}/{}", service.id, service.transport().name());
        let numbered = (2..).map(|n: u32| format!("{with_transport}/{n}"));
        let plain = [service.id.clone(), with_transport.clone()];
        let free = plain.into_iter().chain(numbered).find(|id| !taken.contains(id));
        if let Some(id) = free {
            service.id.clone_from(&id);
            taken.insert(id);
        }
    }
}
