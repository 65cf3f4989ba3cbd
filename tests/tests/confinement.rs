//! What a server launched by Portreeve is, seen from outside while it serves.

use portreeve_tests::client::{connect, read_to_end, rsync_command};
use portreeve_tests::process::{self, CAPABILITY_SETS};
use portreeve_tests::services::{ADMITTED, COURIER, FINGER, PARCELS, RSYNC};
use portreeve_tests::{Arena, Superserver, in_arena, wait_for};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

const INETD_CONF: Superserver = Superserver::Portreeve(&["/etc/inetd.conf"]);
const NATIVE: Superserver = Superserver::Portreeve(&["/etc/portreeve.toml"]);

/// Holds a connection to rsync open after its greeting, so that the server stays.
fn rsync_server_is_confined(arena: &Arena, portreeve: Superserver) -> io::Result<()> {
    let _running = portreeve.start(arena, FINGER.port)?;
    let mut held = connect(ADMITTED, RSYNC.port)?;
    let mut greeting = [0; 8];
    held.read_exact(&mut greeting)?;
    assert_eq!(&greeting, b"@RSYNCD:");
    let pid = process::only("rsync")?;
    let status = process::status(pid)?;
    assert_eq!(status.numbers("Uid"), [COURIER; 4]);
    assert_eq!(status.numbers("Gid"), [COURIER; 4]);
    let mut groups = status.numbers("Groups");
    groups.retain(|group| *group != COURIER);
    assert_eq!(groups, [PARCELS], "the user's own groups and no other");
    for set in CAPABILITY_SETS {
        assert_eq!(status.capabilities(set), 0, "{set}");
    }
    assert_eq!(status.field("NoNewPrivs"), "1");
    assert_eq!(status.field("Seccomp"), "2");
    // rsync opens a log of its own; what it was given is its connection and nothing of ours.
    let open = process::descriptors(pid)?;
    assert!(
        open.get(&0).is_some_and(|link| link.starts_with("socket:")),
        "{open:?}"
    );
    for name in ["portreeve", "portreeve-frontend"] {
        let ours = process::descriptors(process::only(name)?)?;
        let shared: Vec<_> = open
            .values()
            .filter(|link| **link != "/dev/null" && ours.values().any(|own| own == *link))
            .collect();
        assert!(shared.is_empty(), "shared with {name}: {shared:?}");
    }
    Ok(())
}

/// cat opens nothing itself, so its descriptors are exactly those it was given.
#[test]
fn server_holds_descriptors_0_to_2_and_no_other() {
    in_arena(|arena| {
        let mut text = fs::read_to_string("/etc/inetd.conf")?;
        text += "4000 stream tcp nowait courier /usr/sbin/tcpd /bin/cat\n";
        fs::write("/etc/inetd.conf", text)?;
        let _running = INETD_CONF.start(arena, 4000)?;
        let mut held = connect(ADMITTED, 4000)?;
        held.write_all(b"x")?;
        held.read_exact(&mut [0])?;
        let open = process::descriptors(process::only("cat")?)?;
        assert_eq!(
            open.keys().copied().collect::<Vec<_>>(),
            [0, 1, 2],
            "{open:?}"
        );
        assert!(
            open.values()
                .take(2)
                .all(|link| link.starts_with("socket:")),
            "{open:?}"
        );
        Ok(())
    });
}

#[test]
fn rsync_server_from_inetd_conf() {
    in_arena(|arena| rsync_server_is_confined(arena, INETD_CONF));
}

#[test]
fn rsync_server_from_portreeve_toml() {
    in_arena(|arena| rsync_server_is_confined(arena, NATIVE));
}

/// The generator and the sender that rsync forks keep what their parent was given.
#[test]
fn rsync_server_during_a_transfer() {
    in_arena(|arena| {
        let _running = INETD_CONF.start(arena, FINGER.port)?;
        let to = arena.path("pull");
        let mut pull = rsync_command(ADMITTED, &to, &["--bwlimit=20000"]).spawn()?;
        wait_for("the first files", Duration::from_secs(10), || {
            to.join("shelf-01").exists().then_some(())
        })?;
        let servers: Vec<u32> = process::named("rsync")
            .into_iter()
            .filter(|pid| {
                fs::read_to_string(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|line| line.contains("--daemon"))
            })
            .collect();
        assert!(!servers.is_empty(), "a server runs");
        for pid in servers {
            let status = process::status(pid)?;
            assert_eq!(status.numbers("Uid"), [COURIER; 4]);
            assert_eq!(status.field("Seccomp"), "2");
            for set in CAPABILITY_SETS {
                assert_eq!(status.capabilities(set), 0, "{set}");
            }
        }
        pull.kill()?;
        pull.wait()?;
        Ok(())
    });
}

fn ask_probe(port: u16) -> io::Result<String> {
    let mut stream = connect(ADMITTED, port)?;
    Ok(String::from_utf8_lossy(&read_to_end(&mut stream)?).into_owned())
}

/// The same server three times, reading the same world-readable file: as it comes, with a
/// sandbox that names the file, and with one that does not. Only the sandbox stands between
/// the last one and the file.
#[test]
fn landlock_denies_a_read_outside_the_sandbox() {
    in_arena(|arena| {
        let probe = arena.install(Path::new(env!("CARGO_BIN_EXE_probe")))?;
        let secret = arena.path("secret");
        fs::write(&secret, "not for servers")?;
        let table = |name: &str, port: u16| {
            format!(
                "[service.{name}]\nlisten = [\"tcp:127.0.0.1:{port}\"]\nuser = \"nobody\"\n\
                 exec = [{probe:?}, {secret:?}]\nhosts_access = false\n"
            )
        };
        let sandbox = |name: &str, paths: &str| {
            format!(
                "[service.{name}.sandbox]\nReadOnlyPaths = [{paths}]\n\
                 ExecPaths = [\"/usr\", \"/lib\", \"/lib64\", \"/run/arena/bin\"]\n"
            )
        };
        let text = table("plain", 4001)
            + &table("granted", 4002)
            + &sandbox("granted", &format!("{secret:?}"))
            + &table("denied", 4003)
            + &sandbox("denied", "\"/etc\"");
        fs::write("/etc/portreeve.toml", text)?;
        let _running = NATIVE.start(arena, 4003)?;
        assert_eq!(ask_probe(4001)?, "read 15 bytes\n");
        assert_eq!(ask_probe(4002)?, "read 15 bytes\n");
        assert_eq!(
            ask_probe(4003)?,
            "denied: Permission denied (os error 13)\n"
        );
        Ok(())
    });
}

/// Nothing of the shell that started the super-server reaches a server, which leads a session
/// of its own, has every signal at its default, and cannot talk to the client by its errors.
#[test]
fn server_gets_a_clean_environment_and_a_session_of_its_own() {
    in_arena(|arena| {
        let script = "env; echo session $(cut -d' ' -f6 /proc/$$/stat) $$; echo error >&2";
        fs::write(
            "/etc/portreeve.toml",
            format!(
                "[service.show]\nlisten = [\"tcp:127.0.0.1:4001\"]\nuser = \"nobody\"\n\
                 exec = [\"/bin/sh\", \"-c\", {script:?}]\nhosts_access = false\n\
                 [service.show.env]\nCOLOUR = \"blue\"\n\
                 [service.status]\nlisten = [\"tcp:127.0.0.1:4002\"]\nuser = \"nobody\"\n\
                 exec = [\"/bin/cat\", \"/proc/self/status\"]\nhosts_access = false\n"
            ),
        )?;
        let running = NATIVE.start(arena, 4001)?;
        let answer = ask_probe(4001)?;
        let lines: Vec<&str> = answer.lines().collect();
        assert!(lines.contains(&"COLOUR=blue"), "{answer}");
        assert!(
            lines.iter().any(|line| line.starts_with("PATH=/usr")),
            "{answer}"
        );
        // What the shell adds by itself.
        let known = ["COLOUR=", "PATH=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
        let foreign = lines.iter().filter(|line| line.contains('='));
        let foreign = foreign.filter(|line| !known.iter().any(|name| line.starts_with(name)));
        assert_eq!(foreign.collect::<Vec<_>>(), Vec::<&&str>::new(), "{answer}");
        let session = lines
            .iter()
            .find_map(|line| line.strip_prefix("session "))
            .unwrap();
        let (leader, pid) = session.split_once(' ').unwrap();
        assert_eq!(leader, pid, "{answer}");
        let status = ask_probe(4002)?;
        for mask in ["SigBlk:\t", "SigIgn:\t"] {
            assert!(
                status.contains(&format!("{mask}0000000000000000\n")),
                "{status}"
            );
        }
        assert!(!answer.contains("error"), "{answer}");
        assert!(running.said()?.contains("error"), "{}", running.said()?);
        Ok(())
    });
}
