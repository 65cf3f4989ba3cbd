use super::*;
use crate::log::testing;

fn setenv(name: &str, value: &str) -> Effect {
    Effect::Setenv {
        name: name.into(),
        value: value.into(),
    }
}

/// A command that leaves a trace, and whether it has.
fn trace(name: &str) -> (Effect, impl Fn() -> bool) {
    let path = std::env::temp_dir().join(format!("tcpd-process-{}-{name}", std::process::id()));
    drop(std::fs::remove_file(&path));
    let command = format!("echo \"$TRACE\" > {}", path.display());
    let left = move || {
        let text = std::fs::read_to_string(&path);
        drop(std::fs::remove_file(&path));
        text.is_ok_and(|text| text == "a b\n")
    };
    (Effect::Spawn(command.into()), left)
}

#[test]
fn effects_are_carried_out_in_order_and_once() {
    let (mut log, reader) = testing::log();
    let mut process = Process::new(Compat::Strict, false);
    let (spawn, left) = trace("order");
    let effects = [
        setenv("TRACE", "a"),
        setenv("TRACE", "a b"),
        spawn,
        setenv("LAST", ""),
    ];
    process.carry_out(&effects[..3], &mut log);
    assert!(left());
    process.carry_out(&effects, &mut log);
    assert!(!left(), "the command ran twice");
    assert!(process.is_obedient() && reader.lines().is_empty());
    let all = process.environment();
    let last: Vec<_> = all
        .iter()
        .rev()
        .take(2)
        .map(|text| text.to_str().unwrap())
        .collect();
    assert_eq!(last, ["LAST=", "TRACE=a b"]);
}

#[test]
fn nothing_runs_after_a_bound_that_is_not_in_force() {
    let (mut log, reader) = testing::log();
    for bound in [
        Effect::User {
            user: b"no-such-user".into(),
            group: None,
        },
        Effect::Group(b"no-such-group".into()),
        Effect::Profile(b"baseline".into()),
        Effect::Limit(policy::hosts::option::Limit::Instances(1)),
    ] {
        let mut process = Process::new(Compat::Strict, false);
        let (spawn, left) = trace("after");
        process.carry_out(&[setenv("TRACE", "a b"), bound, spawn], &mut log);
        assert!(!process.is_obedient());
        assert!(!left());
    }
    assert_eq!(
        reader.lines(),
        [
            "<27>error: unknown user: \"no-such-user\"",
            "<27>error: unknown group: \"no-such-group\"",
            "<27>error: tcpd cannot apply the option \"profile\"",
            "<27>error: tcpd cannot apply the option \"limit\"",
        ]
    );
}

#[test]
fn the_original_ignores_user_and_group() {
    let (mut log, reader) = testing::log();
    let mut process = Process::new(Compat::TcpWrappers, false);
    let user = Effect::User {
        user: b"no-such-user".into(),
        group: None,
    };
    process.carry_out(&[user, Effect::Group(b"no-such-group".into())], &mut log);
    assert!(process.is_obedient() && reader.lines().is_empty());
}

#[test]
fn aclexec_tells_the_status() {
    let (mut log, reader) = testing::log();
    let process = Process::new(Compat::Strict, false);
    assert!(process.aclexec(b"exit 0", &mut log));
    assert!(!process.aclexec(b"exit 3", &mut log));
    assert!(reader.lines().is_empty());
    assert!(!process.aclexec(b"kill -9 $$", &mut log));
    let lines = reader.lines();
    assert!(lines[0].ends_with(" exited with signal 9"), "{lines:?}");
}

#[test]
fn spawned_commands_ignore_hangups() {
    let (mut log, _reader) = testing::log();
    let mut process = Process::new(Compat::Strict, false);
    process.carry_out(&[setenv("TRACE", "a b")], &mut log);
    let (Effect::Spawn(command), left) = trace("hangup") else {
        panic!()
    };
    process.spawn(&[b"kill -1 $$; ", &command[..]].concat(), &mut log);
    assert!(left());
}

#[test]
fn a_program_that_is_not_there_cannot_be_executed() {
    let process = Process::new(Compat::Strict, false);
    let error = process.exec(b"/nonexistent", &[b"x"]);
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}
