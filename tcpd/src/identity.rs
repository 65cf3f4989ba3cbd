//! Becoming another user for good.

use crate::daemon::c_string;
use nix::unistd::{
    Gid, Group, Uid, User, getgrouplist, getgroups, getresgid, getresuid, initgroups, setgid,
    setgroups, setuid,
};
use portreeve_log::errno_text;

/// Becomes the user, with the group and no other, or with all groups that are the user's.
///
/// # Errors
/// What could not be done; the process may be anything between then and must not go on.
pub fn become_user(user: &[u8], group: Option<&[u8]>) -> Result<(), String> {
    let name = String::from_utf8_lossy(user);
    let reason = |call: &str, error: nix::Error| because(call, &name, error);
    let found = User::from_name(&name).map_err(|error| reason("getpwnam", error))?;
    let account = found.ok_or_else(|| format!("unknown user: \"{name}\""))?;
    match group {
        Some(group) => become_group(group)?,
        None => {
            let user = c_string(user);
            initgroups(&user, account.gid).map_err(|error| reason("initgroups", error))?;
            setgid(account.gid).map_err(|error| reason("setgid", error))?;
            let allowed =
                getgrouplist(&user, account.gid).map_err(|error| reason("getgrouplist", error))?;
            verify_groups(account.gid, &allowed)?;
        }
    }
    setuid(account.uid).map_err(|error| reason("setuid", error))?;
    verify_user(account.uid)
}

/// Becomes the group, with no supplementary ones.
///
/// # Errors
/// As [`become_user`].
pub fn become_group(group: &[u8]) -> Result<(), String> {
    let name = String::from_utf8_lossy(group);
    let reason = |call: &str, error: nix::Error| because(call, &name, error);
    let found = Group::from_name(&name).map_err(|error| reason("getgrnam", error))?;
    let gid = found
        .ok_or_else(|| format!("unknown group: \"{name}\""))?
        .gid;
    setgroups(&[]).map_err(|error| reason("setgroups", error))?;
    setgid(gid).map_err(|error| reason("setgid", error))?;
    verify_groups(gid, &[])
}

fn because(call: &str, name: &str, error: nix::Error) -> String {
    format!("{call}({name}): {}", errno_text(&error.into()))
}

fn verify_groups(gid: Gid, allowed: &[Gid]) -> Result<(), String> {
    let unknown =
        |error: nix::Error| format!("cannot verify the group: {}", errno_text(&error.into()));
    let now = getresgid().map_err(unknown)?;
    let supplementary = getgroups().map_err(unknown)?;
    let stranger = supplementary.iter().find(|group| !allowed.contains(group));
    if (now.real, now.effective, now.saved) != (gid, gid, gid) || stranger.is_some() {
        return Err(format!("the group did not become {gid} alone"));
    }
    Ok(())
}

fn verify_user(uid: Uid) -> Result<(), String> {
    let now = getresuid()
        .map_err(|error| format!("cannot verify the user: {}", errno_text(&error.into())))?;
    if (now.real, now.effective, now.saved) != (uid, uid, uid) {
        return Err(format!("the user did not become {uid}"));
    }
    if !uid.is_root() && setuid(Uid::from_raw(0)).is_ok() {
        return Err(format!("user {uid} could become root again"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Says which of the bodies below a process is to run: becoming another user cannot be
    /// undone, so that each has a process of its own.
    const ALONE: &str = "PORTREEVE_TEST_ALONE";

    /// Whether `test`, run again in a process of its own, succeeds with `body` there.
    fn alone(test: &str, body: &str) -> bool {
        let name = format!("identity::tests::{test}");
        let ran = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--test-threads=1"])
            .env(ALONE, body)
            .output()
            .unwrap();
        String::from_utf8_lossy(&ran.stdout).contains("1 passed")
    }

    fn ids(line: &str) -> Vec<u32> {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status
            .lines()
            .find_map(|text| text.strip_prefix(line))
            .unwrap();
        line.split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect()
    }

    #[test]
    fn root_becomes_somebody_else_for_good() {
        match std::env::var(ALONE).as_deref() {
            Ok("as_user") => as_user(),
            Ok("as_user_and_group") => as_user_and_group(),
            Ok("as_group") => as_group(),
            _ if Uid::effective().is_root() => {
                for body in ["as_user", "as_user_and_group", "as_group"] {
                    assert!(alone("root_becomes_somebody_else_for_good", body), "{body}");
                }
            }
            _ => println!("skipped: needs root: it becomes another user"),
        }
    }

    #[test]
    fn an_ordinary_user_becomes_nobody_else() {
        if Uid::effective().is_root() && std::env::var_os(ALONE).is_none() {
            assert!(alone("an_ordinary_user_becomes_nobody_else", "as_ordinary"));
        } else {
            as_ordinary();
        }
    }

    fn as_user() {
        setgroups(&[Gid::from_raw(4), Gid::from_raw(0)]).unwrap();
        become_user(b"nobody", None).unwrap();
        assert_eq!((ids("Uid:"), ids("Gid:")), (vec![65534; 4], vec![65534; 4]));
        assert_eq!(ids("Groups:"), [65534]);
        assert!(setuid(Uid::from_raw(0)).is_err());
    }

    fn as_user_and_group() {
        setgroups(&[Gid::from_raw(4), Gid::from_raw(0)]).unwrap();
        become_user(b"nobody", Some(b"daemon")).unwrap();
        assert_eq!((ids("Uid:"), ids("Gid:")), (vec![65534; 4], vec![1; 4]));
        assert_eq!(ids("Groups:"), []);
    }

    fn as_group() {
        setgroups(&[Gid::from_raw(4), Gid::from_raw(0)]).unwrap();
        become_group(b"daemon").unwrap();
        assert_eq!((ids("Uid:"), ids("Gid:")), (vec![0; 4], vec![1; 4]));
        assert_eq!(ids("Groups:"), []);
    }

    fn as_ordinary() {
        if Uid::effective().is_root() {
            become_user(b"nobody", None).unwrap();
        }
        let why = become_user(b"root", None).unwrap_err();
        assert_eq!(why, "initgroups(root): Operation not permitted");
        assert!(become_user(b"no such user", None).is_err());
    }
}
