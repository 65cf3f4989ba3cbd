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

fn harden(
    services: Vec<Service>,
    hardens: &[Harden],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Service> {
    for harden in hardens {
        if !services
            .iter()
            .any(|service| service.answers_to(&harden.id))
        {
            let what = format!("no service is called `{}`", harden.id);
            let place = (harden.origin.file, harden.origin.span.clone());
            diagnostics.push(Diagnostic::warning(
                place.0,
                place.1,
                what,
                "this profile confines nothing",
            ));
        }
    }
    let hardened = |mut service: Service| {
        let named: Vec<&Harden> = hardens
            .iter()
            .filter(|harden| service.answers_to(&harden.id))
            .collect();
        for harden in named {
            service.profile = harden.profile.clone()?;
        }
        Some(service)
    };
    services.into_iter().filter_map(hardened).collect()
}

/// What makes two sockets collide.
fn place(listen: &Listen) -> Listen {
    Listen {
        dual: false,
        implied: false,
        ..listen.clone()
    }
}

fn without_doubles(services: Vec<Service>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Service> {
    let explicit = |service: &Service| {
        service
            .listen
            .iter()
            .filter(|l| !l.implied)
            .map(place)
            .collect::<Vec<_>>()
    };
    let named: BTreeSet<_> = services
        .iter()
        .flat_map(explicit)
        .map(|l| key(&l))
        .collect();
    let mut taken: HashMap<Listen, String> = HashMap::new();
    let mut kept = Vec::new();
    for mut service in services {
        service
            .listen
            .retain(|l| !l.implied || !named.contains(&key(&place(l))));
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
        taken.extend(
            service
                .listen
                .iter()
                .map(|l| (place(l), service.id.clone())),
        );
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
        let free = plain
            .into_iter()
            .chain(numbered)
            .find(|id| !taken.contains(id));
        if let Some(id) = free {
            service.id.clone_from(&id);
            taken.insert(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::service::inetd;

    fn services(text: &str) -> Vec<Service> {
        let reading = inetd::read(0, text.as_bytes());
        assert_eq!(reading.diagnostics, []);
        reading.services
    }

    fn summary(services: &[Service]) -> Vec<(String, Vec<String>)> {
        let addresses = |s: &Service| s.listen.iter().map(|l| l.address.to_string()).collect();
        services
            .iter()
            .map(|s| (s.id.clone(), addresses(s)))
            .collect()
    }

    fn named(ids: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |(id, list): &(&str, &[&str])| {
            (
                (*id).to_owned(),
                list.iter().map(|a| (*a).to_owned()).collect(),
            )
        };
        ids.iter().map(owned).collect()
    }

    #[test]
    fn ids_are_told_apart() {
        let all = services(
            "echo stream tcp4 nowait root internal\necho dgram udp4 wait root internal\n\
             127.0.0.1:echo stream tcp nowait root internal\n127.0.0.2:echo stream tcp nowait root internal\n",
        );
        let (all, problems) = assemble(all, &[]);
        assert_eq!(problems, []);
        let ids: Vec<&str> = all.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["echo", "echo/udp", "echo/tcp", "echo/tcp/2"]);
    }

    #[test]
    fn an_entry_for_ipv6_takes_the_implied_half() {
        for text in [
            "ftp stream tcp nowait root /a a\nftp stream tcp6 nowait root /b b\n",
            "ftp stream tcp nowait root /a a\nftp stream tcp46 nowait root /b b\n",
        ] {
            let (all, problems) = assemble(services(text), &[]);
            assert_eq!(problems, []);
            assert_eq!(
                summary(&all),
                named(&[("ftp", &["0.0.0.0"]), ("ftp/tcp", &["::"])])
            );
        }
    }

    #[test]
    fn of_two_at_one_place_the_first_stays() {
        let text = "ftp stream tcp nowait root /a a\nftp stream tcp4 nowait root /b b\n";
        let (all, problems) = assemble(services(text), &[]);
        assert_eq!(summary(&all), named(&[("ftp", &["0.0.0.0", "::"])]));
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}")
        };
        assert_eq!(
            (problem.severity, &text[problem.span.clone()]),
            (Severity::Error, "ftp stream tcp4 nowait root /b b")
        );
    }

    #[test]
    fn services_are_hardened_by_id_or_program() {
        let text = "telnet stream tcp nowait root /usr/sbin/tcpd /usr/sbin/in.telnetd\nftp stream tcp nowait root /f f\n";
        for id in ["telnet", "in.telnetd", "in-telnetd"] {
            let origin = Origin {
                file: 0,
                span: 0..1,
                line: 1,
            };
            let mut harden = Harden {
                id: id.into(),
                profile: Profile::by_name("strict"),
                origin,
            };
            let (all, problems) = assemble(services(text), std::slice::from_ref(&harden));
            assert_eq!(problems, []);
            let profiles: Vec<&str> = all.iter().map(|s| s.profile.name.as_str()).collect();
            assert_eq!(profiles, ["strict", "baseline"]);
            harden.profile = None;
            let (all, _) = assemble(services(text), &[harden]);
            assert_eq!(summary(&all), named(&[("ftp", &["0.0.0.0", "::"])]));
        }
    }

    #[test]
    fn a_profile_for_nobody_is_told() {
        let origin = Origin {
            file: 0,
            span: 0..1,
            line: 1,
        };
        let harden = Harden {
            id: "ftpd".into(),
            profile: Some(Profile::baseline()),
            origin,
        };
        let (_, problems) = assemble(Vec::new(), &[harden]);
        assert!(problems[0].what.contains("`ftpd`"));
    }
}
