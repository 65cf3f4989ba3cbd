//! The resolver with real name servers and real ident services, in a world of its own.

mod world;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wire::{Answer, Outcome, Subject};
use world::{Resolver, World, in_a_world};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Outcome, name and warning.
fn parts(answer: Answer) -> (Outcome, String, String) {
    (answer.outcome, text(&answer.name), text(&answer.warning))
}

fn known(name: &str) -> (Outcome, String, String) {
    (Outcome::Known, name.to_owned(), String::new())
}

fn paranoid(warning: &str) -> (Outcome, String, String) {
    (Outcome::Paranoid, String::new(), warning.to_owned())
}

fn nothing(outcome: Outcome) -> (Outcome, String, String) {
    (outcome, String::new(), String::new())
}

#[test]
fn names_are_verified_with_a_real_name_server() {
    in_a_world("names_are_verified_with_a_real_name_server", |world| {
        world.name_server();
        world.file("resolv.conf", "nameserver 127.0.0.1\nsearch dom.test\n");
        for arguments in [&[][..], &["--once"]] {
            let mut resolver = world.resolver(arguments);
            let mut ask = |address| parts(resolver.name_of(address));
            assert_eq!(ask("192.0.2.10"), known("good.test"));
            assert_eq!(ask("::ffff:192.0.2.10"), known("good.test"));
            assert_eq!(ask("2001:db8::6"), known("six.test"));
            assert_eq!(ask("127.0.0.77"), known("loop.test"));
            assert_eq!(ask("127.0.0.1"), known("localhost"));
            assert_eq!(ask("192.0.2.200"), nothing(Outcome::None));
            assert_eq!(ask("192.0.2.14"), nothing(Outcome::None));
            assert_eq!(
                ask("192.0.2.11"),
                paranoid("can't verify hostname: getaddrinfo(lonely.test, AF_INET) failed")
            );
            assert_eq!(
                ask("192.0.2.12"),
                paranoid("host name/address mismatch: 192.0.2.12 != liar.test")
            );
            assert_eq!(
                ask("192.0.2.13"),
                paranoid("host name/name mismatch: alias.test != good.test")
            );
            assert_eq!(
                ask("192.0.2.15"),
                paranoid("host name/name mismatch: reverse lookup results in non-FQDN 1.2.3.4")
            );
            assert_eq!(
                ask("192.0.2.16"),
                paranoid("host name/name mismatch: short != short.dom.test")
            );
            let (status, said) = resolver.leave();
            assert!(status.success(), "{status}: {said}");
            assert_eq!(said, "");
        }
    });
}

#[test]
fn the_hosts_file_comes_first_and_its_first_name_wins() {
    in_a_world(
        "the_hosts_file_comes_first_and_its_first_name_wins",
        |world| {
            world.name_server();
            world.file(
                "hosts",
                "192.0.2.10 alpha beta gamma\n192.0.2.20 delta.test delta\n192.0.2.21 delta\n",
            );
            let mut resolver = world.resolver(&["--once"]);
            assert_eq!(parts(resolver.name_of("192.0.2.10")), known("alpha"));
            assert_eq!(parts(resolver.name_of("192.0.2.20")), known("delta.test"));
            assert_eq!(
                parts(resolver.name_of("192.0.2.21")),
                paranoid("host name/name mismatch: delta != delta.test")
            );
            world.file("nsswitch.conf", "hosts: dns files\n");
            assert_eq!(parts(resolver.name_of("192.0.2.10")), known("good.test"));
            assert_eq!(parts(resolver.name_of("192.0.2.20")), known("delta.test"));
            world.file("nsswitch.conf", "hosts: files [NOTFOUND=return] dns\n");
            assert_eq!(
                parts(resolver.name_of("2001:db8::6")),
                nothing(Outcome::None)
            );
        },
    );
}

#[test]
fn a_source_we_do_not_know_is_said_once() {
    in_a_world("a_source_we_do_not_know_is_said_once", |world| {
        world.file("nsswitch.conf", "hosts: files winbind\n");
        let mut resolver = world.resolver(&[]);
        assert_eq!(parts(resolver.name_of("127.0.0.1")), known("localhost"));
        assert_eq!(parts(resolver.name_of("192.0.2.1")), nothing(Outcome::None));
        let (_, said) = resolver.leave();
        assert_eq!(said.matches("winbind").count(), 1, "{said}");
        // Where nothing can be asked, nothing is known.
        world.file("nsswitch.conf", "hosts: winbind\n");
        let mut resolver = world.resolver(&[]);
        assert_eq!(
            parts(resolver.name_of("192.0.2.1")),
            nothing(Outcome::Failed)
        );
    });
}

/// The time of one question whose answer is not found out.
fn time_to_fail(resolver: &mut Resolver, deadline_ms: u32) -> Duration {
    let start = Instant::now();
    let answer = resolver.name_within("192.0.2.10", deadline_ms);
    assert_eq!(parts(answer), nothing(Outcome::Failed));
    start.elapsed()
}

#[test]
fn a_server_that_does_not_answer_fails_in_time() {
    in_a_world("a_server_that_does_not_answer_fails_in_time", |world| {
        let mut resolver = world.resolver(&["--once"]);
        // Nobody listens there: that is known at once.
        assert!(time_to_fail(&mut resolver, 8_000) < Duration::from_secs(1));
        let _silent = world.silent_server("127.0.0.1:53");
        let taken = time_to_fail(&mut resolver, 700);
        assert!(taken >= Duration::from_millis(690), "{taken:?}");
        assert!(taken < Duration::from_millis(1500), "{taken:?}");
        assert!(time_to_fail(&mut resolver, 0) < Duration::from_millis(500));
        world.failing_server("127.0.0.2:53", 2);
        world.file("resolv.conf", "nameserver 127.0.0.2\n");
        assert!(time_to_fail(&mut resolver, 8_000) < Duration::from_secs(1));
    });
}

#[test]
fn another_server_takes_the_place_of_a_bad_one() {
    in_a_world("another_server_takes_the_place_of_a_bad_one", |world| {
        world.name_server();
        let _silent = world.silent_server("127.0.0.3:53");
        world.failing_server("127.0.0.4:53", 2);
        world.failing_server("127.0.0.5:53", 5);
        let servers = [
            "127.0.0.3",                       // silent
            "127.0.0.2",                       // refused by the system
            "127.0.0.4",                       // SERVFAIL
            "127.0.0.5",                       // REFUSED
            "127.0.0.4\nnameserver 127.0.0.5", // both
        ];
        for bad in servers {
            let text = format!("nameserver {bad}\nnameserver 127.0.0.1\n");
            world.file("resolv.conf", &text);
            for _ in 0..5 {
                let mut resolver = world.resolver(&["--once"]);
                let start = Instant::now();
                let answer = parts(resolver.name_of("192.0.2.10"));
                assert_eq!(answer, known("good.test"), "{bad}");
                let taken = start.elapsed();
                assert!(taken < Duration::from_secs(3), "{bad}: {taken:?}");
            }
        }
    });
}

#[test]
fn a_lasting_resolver_remembers_until_files_change() {
    in_a_world("a_lasting_resolver_remembers_until_files_change", |world| {
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
    in_a_world("every_question_is_answered_once", |world| {
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
    in_a_world("it_is_confined_before_it_answers", |world| {
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
    in_a_world("it_ends_with_its_peer_and_at_nonsense", |world| {
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

const CLIENT: &str = "192.0.2.10:6193";
const SERVER: &str = "192.0.2.1:23";

/// An ident service at the client's address: answers one connection, tells who asked what.
fn identd(answer: &'static [u8]) -> JoinHandle<(IpAddr, String, TcpStream)> {
    let listener = TcpListener::bind("192.0.2.10:113").unwrap();
    std::thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        let mut query = [0; 64];
        let length = stream.read(&mut query).unwrap();
        stream.write_all(answer).unwrap();
        (peer.ip(), text(&query[..length]), stream)
    })
}

fn user(world: &World, deadline_ms: u32) -> (Outcome, String, String) {
    let subject = Subject::UserOf {
        client: CLIENT.parse().unwrap(),
        server: SERVER.parse().unwrap(),
    };
    parts(world.resolver(&["--once"]).ask(subject, deadline_ms))
}

#[test]
fn the_clients_machine_names_the_user() {
    in_a_world("the_clients_machine_names_the_user", |world| {
        let service = identd(b"6193 , 23 : USERID : UNIX : stjohns\r\n");
        assert_eq!(user(world, 5_000), known("stjohns"));
        let (asker, query, _) = service.join().unwrap();
        assert_eq!(asker.to_string(), "192.0.2.1");
        assert_eq!(query, "6193,23\r\n");
    });
}

#[test]
fn an_ident_service_of_no_use_names_nobody() {
    in_a_world("an_ident_service_of_no_use_names_nobody", |world| {
        assert_eq!(user(world, 5_000), nothing(Outcome::None), "refused");
        // As long as a line may be, and no end.
        static LONG: [u8; 511] = [b'x'; 511];
        for answer in [
            &b"6193, 23 : ERROR : HIDDEN-USER\r\n"[..],
            b"\0\xff\x01\n",
            &LONG,
        ] {
            let service = identd(answer);
            assert_eq!(user(world, 5_000), nothing(Outcome::None));
            service.join().unwrap();
        }
        // It says half a line and no more: it had its time.
        let service = identd(b"6193, 23 : USERID : UNIX : half");
        let start = Instant::now();
        assert_eq!(user(world, 500), nothing(Outcome::Failed));
        let taken = start.elapsed();
        assert!(taken < Duration::from_millis(1500), "{taken:?}");
        service.join().unwrap();
    });
}
