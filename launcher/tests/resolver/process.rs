//! The resolver as a process: what it remembers, how much it does at a time, how it ends.

use crate::world::{Resolver, in_a_world, known, nothing, parts};
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use wire::{Outcome, Subject};

#[test]
fn a_lasting_resolver_remembers_until_files_change() {
    in_a_world(|world| {
        world.name_server();
        let mut lasting = world.resolver(&[]);
        let mut once = world.resolver(&["--once"]);
        assert_eq!(parts(lasting.name_of("192.0.2.10")), known("good.test"));
        assert_eq!(parts(once.name_of("192.0.2.10")), known("good.test"));
        world.end_name_server();
        assert_eq!(parts(lasting.name_of("192.0.2.10")), known("good.test"));
        assert_eq!(parts(once.name_of("192.0.2.10")), nothing(Outcome::Failed));
        world.file("hosts", "192.0.2.10 another\n");
        assert_eq!(parts(lasting.name_of("192.0.2.10")), known("another"));
        world.file("hosts", "127.0.0.1 localhost\n");
        assert_eq!(
            parts(lasting.name_of("192.0.2.10")),
            nothing(Outcome::Failed)
        );
    });
}

/// Asks for many names at once; how often each outcome came.
fn ask_many(resolver: &mut Resolver, deadline_ms: u32, count: u8) -> Vec<Outcome> {
    let mut asked = HashSet::new();
    for last in 0..count {
        let address = IpAddr::from([198, 51, 100, last]);
        let subject = Subject::HostnameOf(SocketAddr::new(address, 1));
        asked.insert(resolver.send(subject, deadline_ms));
    }
    let mut outcomes = Vec::new();
    for _ in 0..count {
        let answer = resolver.receive();
        assert!(asked.remove(&answer.id), "answered twice: {}", answer.id);
        outcomes.push(answer.outcome);
    }
    assert!(!resolver.says_more(Duration::from_millis(100)));
    outcomes
}

#[test]
fn every_question_is_answered_once() {
    in_a_world(|world| {
        let silent = world.silent_server("127.0.0.1:53");
        let mut resolver = world.resolver(&[]);
        let start = Instant::now();
        let outcomes = ask_many(&mut resolver, 1_000, 150);
        assert!(outcomes.iter().all(|&o| o == Outcome::Failed));
        // Those that had to wait for their turn did not get more time for it.
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(3), "{taken:?}");
        drop(silent);
        world.name_server();
        let outcomes = ask_many(&mut resolver, 10_000, 150);
        assert!(outcomes.iter().all(|&o| o == Outcome::None), "{outcomes:?}");
    });
}

#[test]
fn it_is_confined_before_it_answers() {
    in_a_world(|world| {
        // The monitor has made a lasting one another user already; tcpd may be root.
        for (arguments, user) in [(&[][..], "0"), (&["--once"], "65534")] {
            let mut resolver = world.resolver(arguments);
            resolver.name_of("127.0.0.1");
            let path = format!("/proc/{}/status", resolver.child.id());
            let status = std::fs::read_to_string(path).unwrap();
            let value = |name: &str| -> Vec<&str> {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap().split_whitespace().collect()
            };
            assert_eq!(value("Uid:"), [user; 4]);
            assert_eq!(value("NoNewPrivs:"), ["1"]);
            assert_eq!(value("Seccomp:"), ["2"]);
            if user != "0" {
                assert_eq!(value("Gid:"), [user; 4]);
                assert!(value("Groups:").is_empty());
                assert_eq!(value("CapPrm:"), ["0000000000000000"]);
            }
        }
    });
}

#[test]
fn it_ends_with_its_peer_and_at_nonsense() {
    in_a_world(|world| {
        for arguments in [&[][..], &["--once"]] {
            let (status, said) = world.resolver(arguments).leave();
            assert!(status.success(), "{status}: {said}");
            let mut resolver = world.resolver(arguments);
            sys::message::send(resolver.channel.as_fd(), &[7; 64], None).unwrap();
            let (status, said) = resolver.end();
            assert_eq!(status.code(), Some(1));
            assert!(said.contains("unknown message 7"), "{said}");
        }
        let (status, said) = world.resolver(&["--twice"]).end();
        assert_eq!(status.code(), Some(64));
        assert!(said.contains("--twice"), "{said}");
    });
}
