//! Names, and name servers good and bad.

use crate::world::{Resolver, in_a_world, known, nothing, paranoid, parts};
use std::time::{Duration, Instant};
use wire::Outcome;

#[test]
fn names_are_verified_with_a_real_name_server() {
    in_a_world(|world| {
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
    in_a_world(|world| {
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
    });
}

#[test]
fn a_source_we_do_not_know_is_said_once() {
    in_a_world(|world| {
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
    in_a_world(|world| {
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
    in_a_world(|world| {
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
            "127.0.0.3\nnameserver 127.0.0.4", // silent and SERVFAIL
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
