//! The four real servers under `portreeve run`: with an unchanged inetd.conf, whose tcpd the
//! frontend's own check replaces, and with a portreeve.toml.

use portreeve_tests::checks::serve_and_refuse;
use portreeve_tests::services::{ADMITTED, FINGER, RSYNC, Service, TELNET, TFTP};
use portreeve_tests::{Arena, Superserver, client, in_arena, process};
use std::io;

const INETD_CONF: Superserver = Superserver::Portreeve(&["/etc/inetd.conf"]);
const NATIVE: Superserver = Superserver::Portreeve(&["/etc/portreeve.toml"]);

fn check(arena: &Arena, portreeve: Superserver, service: Service) -> io::Result<()> {
    let _running = portreeve.start(arena, FINGER.port)?;
    let lines = serve_and_refuse(arena, service)?;
    let daemon = service.daemon();
    assert_eq!(
        lines.connect,
        format!("<30> {daemon}[]: connect from 127.0.0.1 (127.0.0.1)")
    );
    assert_eq!(
        lines.refused,
        format!("<28> {daemon}[]: refused connect from 127.0.0.2 (127.0.0.2)")
    );
    assert!(
        process::named("tcpd").is_empty(),
        "the frontend checks; no tcpd runs"
    );
    Ok(())
}

#[test]
fn rsync_from_inetd_conf() {
    in_arena(|arena| check(arena, INETD_CONF, RSYNC));
}

#[test]
fn telnetd_from_inetd_conf() {
    in_arena(|arena| check(arena, INETD_CONF, TELNET));
}

#[test]
fn fingerd_from_inetd_conf() {
    in_arena(|arena| check(arena, INETD_CONF, FINGER));
}

#[test]
fn tftpd_from_inetd_conf() {
    in_arena(|arena| check(arena, INETD_CONF, TFTP));
}

#[test]
fn rsync_from_portreeve_toml() {
    in_arena(|arena| check(arena, NATIVE, RSYNC));
}

#[test]
fn telnetd_from_portreeve_toml() {
    in_arena(|arena| check(arena, NATIVE, TELNET));
}

#[test]
fn fingerd_from_portreeve_toml() {
    in_arena(|arena| check(arena, NATIVE, FINGER));
}

#[test]
fn tftpd_from_portreeve_toml() {
    in_arena(|arena| check(arena, NATIVE, TFTP));
}

#[test]
fn records_are_json_lines_one_open_one_close_one_refuse() {
    in_arena(|arena| {
        let _running = NATIVE.start(arena, FINGER.port)?;
        serve_and_refuse(arena, FINGER)?;
        let path = "/var/log/portreeve/audit.jsonl";
        let records = portreeve_tests::wait_for(
            "three records of finger",
            std::time::Duration::from_secs(5),
            || {
                let text = std::fs::read_to_string(path).ok()?;
                let lines: Vec<String> = text
                    .lines()
                    .filter(|line| line.contains("finger"))
                    .map(Into::into)
                    .collect();
                (lines.len() >= 3).then_some(lines)
            },
        )?;
        assert_eq!(records.len(), 3, "{records:#?}");
        for (record, kind) in records.iter().zip(["refuse", "open", "close"]) {
            assert!(record.starts_with('{') && record.ends_with('}'), "{record}");
            assert!(
                record.contains(&format!("\"{kind}\"")),
                "{kind} expected in {record}"
            );
        }
        Ok(())
    });
}

#[test]
fn an_edit_of_hosts_deny_holds_for_the_very_next_connection() {
    in_arena(|arena| {
        let _running = INETD_CONF.start(arena, FINGER.port)?;
        for round in 0..20 {
            std::fs::write("/etc/hosts.deny", "ALL: 127.0.0.2\n")?;
            let answer = client::finger(ADMITTED, "root")?;
            assert!(answer.contains("Login: root"), "round {round}: {answer:?}");
            std::fs::write("/etc/hosts.deny", "ALL: 127.0.0.1\n")?;
            assert_eq!(client::finger(ADMITTED, "root")?, "", "round {round}");
        }
        Ok(())
    });
}
