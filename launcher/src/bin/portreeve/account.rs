//! Users and groups by name, looked up when the configuration is read.

use confine::Identity;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use policy::service::Account;
use std::ffi::CString;

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
}
