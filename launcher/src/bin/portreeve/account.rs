//! Users and groups by name, looked up when the configuration is read.

use confine::Identity;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use policy::service::Account;
use std::ffi::CString;

/// Uids that systemd hands out to services without a user of their own: nobody else has one.
const SPARE: std::ops::Range<u32> = 61_184..65_520;

/// The numbers behind an account.
///
/// # Errors
/// What is wrong with it, one line.
pub fn identity(account: &Account) -> Result<Identity, String> {
    if let Some(whole) = account.whole_name()
        && let Some(user) = user_by_name(&whole)?
    {
        return Ok(with_groups(&user, None, account.supplementary));
    }
    let group = account.group.as_deref().map(group_by_name).transpose()?;
    if let Some(user) = user_by_name(&account.user)? {
        return Ok(with_groups(
            &user,
            group,
            account.supplementary && group.is_none(),
        ));
    }
    match account.user.parse::<u32>() {
        Ok(uid) => numeric(uid, group, account.supplementary),
        Err(_) => Err(format!("there is no user `{}`", account.user)),
    }
}

fn numeric(uid: u32, group: Option<u32>, supplementary: bool) -> Result<Identity, String> {
    if let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) {
        return Ok(with_groups(&user, group, supplementary && group.is_none()));
    }
    // As xinetd has it: a number without an entry is its own group.
    Ok(Identity {
        uid,
        gid: group.unwrap_or(uid),
        groups: Vec::new(),
    })
}

fn user_by_name(name: &str) -> Result<Option<User>, String> {
    User::from_name(name).map_err(|error| format!("cannot look up the user `{name}`: {error}"))
}

fn group_by_name(name: &str) -> Result<u32, String> {
    let found = Group::from_name(name)
        .map_err(|error| format!("cannot look up the group `{name}`: {error}"))?;
    match (found, name.parse()) {
        (Some(group), _) => Ok(group.gid.as_raw()),
        (None, Ok(gid)) => Ok(gid),
        (None, Err(_)) => Err(format!("there is no group `{name}`")),
    }
}

fn with_groups(user: &User, group: Option<u32>, supplementary: bool) -> Identity {
    let gid = group.unwrap_or(user.gid.as_raw());
    let mut groups = vec![gid];
    if supplementary && let Ok(name) = CString::new(user.name.clone()) {
        let listed = getgrouplist(&name, Gid::from_raw(gid)).unwrap_or_default();
        groups = listed.into_iter().map(Gid::as_raw).collect();
    }
    Identity {
        uid: user.uid.as_raw(),
        gid,
        groups,
    }
}

/// The user of one of our own processes: the one of this name, or else a spare number, so
/// that each has one that nobody else has.
///
/// `taken` are the spare numbers already given. The second value says that the number is
/// spare.
pub fn role_identity(name: &str, taken: &[u32]) -> (Identity, bool) {
    if let Ok(Some(user)) = User::from_name(name) {
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        return (
            Identity {
                uid,
                gid,
                groups: Vec::new(),
            },
            false,
        );
    }
    let is_free =
        |uid: &u32| !taken.contains(uid) && matches!(User::from_uid(Uid::from_raw(*uid)), Ok(None));
    let uid = SPARE.rev().find(is_free).unwrap_or(SPARE.start);
    (
        Identity {
            uid,
            gid: uid,
            groups: Vec::new(),
        },
        true,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, group: Option<&str>) -> Account {
        let group = group.map(str::to_owned);
        Account {
            user: user.to_owned(),
            supplementary: group.is_none(),
            group,
            dotted: false,
        }
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(identity(&account("root", None)).unwrap().uid, 0);
        let daemon = identity(&account("daemon", Some("root"))).unwrap();
        assert_eq!((daemon.gid, daemon.groups), (0, vec![0]));
        let unnamed = identity(&account("64999", None)).unwrap();
        assert_eq!((unnamed.uid, unnamed.gid), (64_999, 64_999));
        assert!(unnamed.groups.is_empty());
        assert!(
            identity(&account("no-such-user", None))
                .unwrap_err()
                .contains("no-such-user")
        );
        assert!(identity(&account("root", Some("no-such-group"))).is_err());
    }

    #[test]
    fn roles_without_a_user_get_numbers_of_their_own() {
        let (first, spare) = role_identity("no-such-user", &[]);
        assert!(spare && SPARE.contains(&first.uid));
        let (second, _) = role_identity("no-such-user", &[first.uid]);
        assert_ne!(first.uid, second.uid);
    }
}
