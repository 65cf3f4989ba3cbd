//! What a mistake in each kind of file gives: a place, a reason, what happens now, and a
//! daemon that goes on as before.

use nix::sys::signal::Signal;
use portreeve_tests::client::finger;
use portreeve_tests::services::{ADMITTED, FINGER};
use portreeve_tests::{Arena, Superserver, checks, failure, in_arena, superserver};
use std::fs;
use std::io;
use std::process::{Command, Stdio};

/// A mistake: the file it is in, the whole text of it, and the line of the mistake.
struct Mistake {
    file: &'static str,
    text: &'static str,
    line: u32,
}

const INETD_CONF: Mistake = Mistake {
    file: "/etc/inetd.conf",
    text: "# services\nfinger stream tcp nowait\n",
    line: 2,
};

const NATIVE: Mistake = Mistake {
    file: "/etc/portreeve.toml",
    text: "[service.finger]\nlisten = [\"tcp:79\"]\nuser = \"nobody\nexec = [\"/usr/sbin/in.fingerd\"]\n",
    line: 3,
};

const HOSTS_ALLOW: Mistake = Mistake {
    file: "/etc/hosts.allow",
    text: "# who may\nin.fingerd 127.0.0.1\n",
    line: 2,
};

const HOSTS_DENY: Mistake = Mistake {
    file: "/etc/hosts.deny",
    text: "# who may not\nin.fingerd: 127.0.0.2: frobnicate\n",
    line: 2,
};

/// The text that follows `FILE:LINE:COLUMN` of the mistake, if `text` names that place.
fn after_place<'a>(text: &'a str, mistake: &Mistake) -> Option<&'a str> {
    let start = format!("{}:{}:", mistake.file, mistake.line);
    let (_, rest) = text.split_once(&start)?;
    rest.starts_with(|first: char| first.is_ascii_digit())
        .then_some(rest)
}

fn check(arena: &Arena, file: &str) -> io::Result<(bool, String)> {
    let portreeve = superserver::install_portreeve(arena)?;
    let output = Command::new(portreeve)
        .args(["check", file])
        .stdin(Stdio::null())
        .output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

/// `portreeve check` is content with the sound configuration and names the mistake.
fn check_names(arena: &Arena, mistake: &Mistake) -> io::Result<()> {
    let configuration = if mistake.file.starts_with("/etc/hosts.") {
        "/etc/inetd.conf"
    } else {
        mistake.file
    };
    let (sound, text) = check(arena, configuration)?;
    assert!(sound, "before the mistake: {text}");
    fs::write(mistake.file, mistake.text)?;
    let (sound, text) = check(arena, configuration)?;
    println!("{text}");
    assert!(!sound, "exit status 0 in spite of the mistake: {text}");
    let rest = after_place(&text, mistake).ok_or_else(|| {
        failure(format!(
            "no {}:{}:COLUMN in: {text}",
            mistake.file, mistake.line
        ))
    })?;
    assert!(text.contains("error"), "{text}");
    assert!(
        rest.contains("note: "),
        "it does not say what happens now: {text}"
    );
    Ok(())
}

/// The running daemon says what is wrong and goes on with what it had.
fn daemon_keeps_its_configuration(arena: &Arena, mistake: &Mistake) -> io::Result<()> {
    let files: &[&str] = if mistake.file.ends_with(".toml") {
        &["/etc/portreeve.toml"]
    } else {
        &["/etc/inetd.conf"]
    };
    let running = Superserver::Portreeve(files).start(arena, FINGER.port)?;
    fs::write(mistake.file, mistake.text)?;
    arena.journal.clear();
    running.signal(Signal::SIGHUP)?;
    arena.journal.expect(
        &format!("{}:{}:COLUMN", mistake.file, mistake.line),
        |message| message.ident == "portreeve" && after_place(&message.text, mistake).is_some(),
    )?;
    let answer = finger(ADMITTED, "root")?;
    assert!(answer.contains("Login: root"), "{answer:?}");
    checks::refuse(FINGER)
}

#[test]
fn check_names_the_mistake_in_inetd_conf() {
    in_arena(|arena| check_names(arena, &INETD_CONF));
}

#[test]
fn check_names_the_mistake_in_portreeve_toml() {
    in_arena(|arena| check_names(arena, &NATIVE));
}

#[test]
fn check_names_the_mistake_in_hosts_allow() {
    in_arena(|arena| check_names(arena, &HOSTS_ALLOW));
}

#[test]
fn check_names_the_mistake_in_hosts_deny() {
    in_arena(|arena| check_names(arena, &HOSTS_DENY));
}

#[test]
fn daemon_keeps_its_services_after_a_mistake_in_inetd_conf() {
    in_arena(|arena| daemon_keeps_its_configuration(arena, &INETD_CONF));
}

#[test]
fn daemon_keeps_its_services_after_a_mistake_in_portreeve_toml() {
    in_arena(|arena| daemon_keeps_its_configuration(arena, &NATIVE));
}
