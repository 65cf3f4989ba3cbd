//! The user at the client's end.

use crate::world::{World, in_a_world, known, nothing, parts, text};
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wire::{Outcome, Subject};

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
    in_a_world(|world| {
        let service = identd(b"6193 , 23 : USERID : UNIX : stjohns\r\n");
        assert_eq!(user(world, 5_000), known("stjohns"));
        let (asker, query, _) = service.join().unwrap();
        assert_eq!(asker.to_string(), "192.0.2.1");
        assert_eq!(query, "6193,23\r\n");
    });
}

#[test]
fn an_ident_service_of_no_use_names_nobody() {
    in_a_world(|world| {
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
