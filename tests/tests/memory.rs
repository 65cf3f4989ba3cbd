//! What Portreeve costs while nothing happens: the proportional set size of all its
//! processes together.

use portreeve_tests::services::FINGER;
use portreeve_tests::{Arena, Superserver, failure, in_arena, process};
use std::fmt::Write as _;
use std::io;

/// The aim, in KiB; above twice of it the test fails.
const AIM_KIB: u64 = 12 * 1024;

fn idle(arena: &Arena, what: &str) -> io::Result<()> {
    // A rule by name, so that the resolver is among them.
    std::fs::write("/etc/hosts.deny", "ALL: 127.0.0.2 .intruder.test\n")?;
    let _running = Superserver::Portreeve(&["/etc/portreeve.toml"]).start(arena, FINGER.port)?;
    // The processes settle; their start-up pages are not what is asked for.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let mut sum = 0;
    for name in ["portreeve", "portreeve-frontend", "portreeve-resolver"] {
        let pss = process::pss_kib(process::only(name)?)?;
        println!("{what}: {name}: {pss} KiB");
        sum += pss;
    }
    println!("{what}: together {sum} KiB, aim {AIM_KIB} KiB");
    if sum > 2 * AIM_KIB {
        return Err(failure(format!(
            "{what}: {sum} KiB, aim {AIM_KIB}, limit twice that"
        )));
    }
    Ok(())
}

#[test]
fn idle_with_four_services() {
    in_arena(|arena| idle(arena, "4 services"));
}

#[test]
fn idle_with_a_hundred_services() {
    in_arena(|arena| {
        let mut text = std::fs::read_to_string("/etc/portreeve.toml")?;
        for number in 4..100 {
            writeln!(
                text,
                "[service.line-{number}]\nlisten = [\"tcp:127.0.0.1:{}\"]\nuser = \"nobody\"\n\
                 exec = [\"/bin/true\"]\nhosts_access = \"line\"",
                5000 + number
            )
            .map_err(io::Error::other)?;
        }
        std::fs::write("/etc/portreeve.toml", text)?;
        idle(arena, "100 services")
    });
}
