//! Three processes under three users, each able to do its own job and nothing else, and none
//! of them missed for long.

use portreeve_tests::client::{finger, rsync_command};
use portreeve_tests::inject::{Argument, Held, Outcome, number};
use portreeve_tests::process::{self, CAPABILITY_SETS};
use portreeve_tests::services::{ADMITTED, FINGER, mirror};
use portreeve_tests::{Arena, Running, Superserver, in_arena, tree, wait_for};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

const MONITOR: &str = "portreeve";
const FRONTEND: &str = "portreeve-frontend";
const RESOLVER: &str = "portreeve-resolver";

/// Starts Portreeve with a rule that needs a name, so that all three processes are there.
fn start(arena: &Arena) -> io::Result<Running> {
    fs::write("/etc/hosts.deny", "ALL: 127.0.0.2 .intruder.test\n")?;
    let running = Superserver::Portreeve(&["/etc/inetd.conf"]).start(arena, FINGER.port)?;
    finger_works()?;
    Ok(running)
}

fn finger_works() -> io::Result<()> {
    let answer = finger(ADMITTED, "root")?;
    assert!(answer.contains("Login: root"), "{answer:?}");
    Ok(())
}

#[test]
fn three_processes_under_three_users() {
    in_arena(|arena| {
        let _running = start(arena)?;
        let mut users = BTreeSet::new();
        for name in [MONITOR, FRONTEND, RESOLVER] {
            let status = process::status(process::only(name)?)?;
            let uids: BTreeSet<u32> = status.numbers("Uid").into_iter().collect();
            assert_eq!(
                uids.len(),
                1,
                "{name}: real, effective, saved and fs uid are one"
            );
            users.extend(uids);
        }
        assert_eq!(users.len(), 3, "{users:?}");
        let monitor = process::status(process::only(MONITOR)?)?;
        assert_eq!(monitor.numbers("Uid"), [0; 4]);
        Ok(())
    });
}

#[test]
fn frontend_and_resolver_hold_nothing() {
    in_arena(|arena| {
        let _running = start(arena)?;
        for name in [FRONTEND, RESOLVER] {
            for thread in process::threads(process::only(name)?)? {
                for set in CAPABILITY_SETS {
                    assert_eq!(thread.capabilities(set), 0, "{name} {set}");
                }
                assert_eq!(thread.field("Groups"), "", "{name}");
                assert_eq!(thread.field("NoNewPrivs"), "1", "{name}");
                assert_eq!(thread.field("Seccomp"), "2", "{name}");
            }
        }
        Ok(())
    });
}

#[test]
fn monitor_is_filtered_and_holds_no_capability_where_it_listens() {
    in_arena(|arena| {
        let _running = start(arena)?;
        let main_thread = process::status(process::only(MONITOR)?)?;
        assert_eq!(main_thread.field("Seccomp"), "2");
        assert_eq!(main_thread.field("NoNewPrivs"), "1");
        assert_eq!(main_thread.capabilities("CapEff"), 0);
        assert_eq!(main_thread.capabilities("CapPrm"), 0);
        Ok(())
    });
}

/// Inodes of the sockets that `table` lists and `wanted` accepts, as `socket:[INODE]`.
fn sockets(
    table: &str,
    inode_field: usize,
    wanted: impl Fn(&[&str]) -> bool,
) -> io::Result<BTreeSet<String>> {
    let text = fs::read_to_string(table)?;
    Ok(text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| wanted(fields))
        .filter_map(|fields| Some(format!("socket:[{}]", fields.get(inode_field)?)))
        .collect())
}

fn listeners() -> io::Result<BTreeSet<String>> {
    let listening = |fields: &[&str]| fields.get(3) == Some(&"0A");
    let mut found = sockets("/proc/net/tcp", 9, listening)?;
    found.extend(sockets("/proc/net/tcp6", 9, listening)?);
    Ok(found)
}

/// Sequenced-packet sockets of the Unix family: the conversations between our processes.
fn role_sockets() -> io::Result<BTreeSet<String>> {
    sockets("/proc/net/unix", 6, |fields| fields.get(4) == Some(&"0005"))
}

/// A call that takes something off descriptor `fd`, without a place to put it: where the
/// filter lets it pass, the kernel answers with an error of its own.
fn receive(held: &mut Held, call: u64, fd: u32) -> io::Result<Outcome> {
    use Argument::Number as N;
    const DONTWAIT: u64 = 0x40;
    let fd = N(u64::from(fd));
    match call {
        number::RECVMSG => held.call(call, &[fd, N(0), N(DONTWAIT)]),
        number::RECVFROM => held.call(call, &[fd, N(0), N(16), N(DONTWAIT), N(0), N(0)]),
        number::RECVMMSG => held.call(call, &[fd, N(0), N(1), N(DONTWAIT), N(0)]),
        _ => held.call(call, &[fd, N(0), N(1)]),
    }
}

const RECEIVING: [u64; 5] = [
    number::RECVMSG,
    number::RECVFROM,
    number::RECVMMSG,
    number::READ,
    number::READV,
];

#[test]
fn monitor_receives_on_its_role_socket_alone() {
    in_arena(|arena| {
        let running = start(arena)?;
        let pid = running.pid();
        let (listening, roles) = (listeners()?, role_sockets()?);
        let open = process::descriptors(pid)?;
        assert!(
            open.values().any(|link| listening.contains(link)),
            "it holds listeners"
        );
        let mut held = Held::stop(pid)?;
        let mut receiving = Vec::new();
        for (fd, link) in &open {
            if !receive(&mut held, number::RECVMSG, *fd)?.denied() {
                receiving.push(link);
            }
            if listening.contains(link) {
                for call in RECEIVING {
                    let outcome = receive(&mut held, call, *fd)?;
                    assert!(outcome.denied(), "call {call} on a listener: {outcome:?}");
                }
            }
        }
        drop(held);
        assert_eq!(receiving.len(), 1, "{receiving:?}");
        assert!(
            receiving.iter().all(|link| roles.contains(*link)),
            "{receiving:?}"
        );
        finger_works()
    });
}

#[test]
fn frontend_cannot_open_bind_connect_or_execute() {
    in_arena(|arena| {
        let _running = start(arena)?;
        let pid = process::only(FRONTEND)?;
        let (fd, _) = descriptor_of(pid, &listeners()?)?;
        let mut held = Held::stop(pid)?;
        for (what, outcome) in attempts(&mut held, fd)? {
            assert!(outcome.denied(), "{what}: {outcome:?}");
        }
        drop(held);
        finger_works()
    });
}

/// The same calls in a process that nothing confines: they are real attempts there.
#[test]
fn what_is_tried_on_monitor_and_frontend_succeeds_elsewhere() {
    in_arena(|arena| {
        let running = Superserver::Inetd.start(arena, FINGER.port)?;
        let (fd, _) = descriptor_of(running.pid(), &listeners()?)?;
        let mut held = Held::stop(running.pid())?;
        for call in RECEIVING {
            let outcome = receive(&mut held, call, fd)?;
            assert!(!outcome.denied(), "call {call}: {outcome:?}");
        }
        let outcomes = attempts(&mut held, fd)?;
        for (what, outcome) in &outcomes {
            assert!(!outcome.denied(), "{what}: {outcome:?}");
        }
        let succeeded = |what: &str| {
            outcomes
                .iter()
                .any(|(name, outcome)| *name == what && matches!(outcome, Outcome::Value(_)))
        };
        for what in ["open /etc/shadow", "open /etc/passwd", "socket", "execve"] {
            assert!(succeeded(what), "{what}: {outcomes:?}");
        }
        Ok(())
    });
}

fn descriptor_of(pid: u32, wanted: &BTreeSet<String>) -> io::Result<(u32, String)> {
    process::descriptors(pid)?
        .into_iter()
        .find(|(_, link)| wanted.contains(link))
        .ok_or_else(|| portreeve_tests::failure(format!("process {pid} holds no listener")))
}

fn attempts(held: &mut Held, fd: u32) -> io::Result<Vec<(&'static str, Outcome)>> {
    use Argument::{Bytes, Number as N};
    const AT_FDCWD: u64 = (-100_i64).cast_unsigned();
    let shadow = held.call(
        number::OPENAT,
        &[N(AT_FDCWD), Bytes(b"/etc/shadow\0"), N(0)],
    )?;
    let passwd = held.call(
        number::OPENAT,
        &[N(AT_FDCWD), Bytes(b"/etc/passwd\0"), N(0)],
    )?;
    let socket = held.call(number::SOCKET, &[N(2), N(1), N(0)])?;
    // AF_INET, port 4000, any address.
    let address = [2, 0, 0x0f, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let bind = held.call(number::BIND, &[N(u64::from(fd)), Bytes(&address), N(16)])?;
    // Last: where it succeeds, the process is another one.
    let execve = held.call(number::EXECVE, &[Bytes(b"/bin/true\0"), N(0), N(0)])?;
    Ok(vec![
        ("open /etc/shadow", shadow),
        ("open /etc/passwd", passwd),
        ("socket", socket),
        ("bind", bind),
        ("execve", execve),
    ])
}

/// Kills a role in the middle of a transfer: the transfer ends well, and the next client is
/// served within a second.
fn killing_it_hurts_nobody(arena: &Arena, role: &str) -> io::Result<()> {
    let _running = start(arena)?;
    let to = arena.path("pull");
    let mut pull = rsync_command(ADMITTED, &to, &["--bwlimit=60000"]).spawn()?;
    wait_for("the first files", Duration::from_secs(10), || {
        to.join("shelf-01").exists().then_some(())
    })?;
    let victim = process::only(role)?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(victim).map_err(io::Error::other)?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)?;
    let since = Instant::now();
    finger_works()?;
    let taken = since.elapsed();
    assert!(
        taken < Duration::from_secs(1),
        "the next client waited {taken:?}"
    );
    assert_ne!(process::only(role)?, victim);
    assert!(
        pull.try_wait()?.is_none(),
        "the transfer was too quick to show anything"
    );
    let output = pull.wait_with_output()?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    tree::same(mirror(), &to)
}

#[test]
fn killed_frontend_loses_no_transfer_and_is_back_within_a_second() {
    in_arena(|arena| killing_it_hurts_nobody(arena, FRONTEND));
}

#[test]
fn killed_resolver_loses_no_transfer_and_is_back_within_a_second() {
    in_arena(|arena| killing_it_hurts_nobody(arena, RESOLVER));
}
