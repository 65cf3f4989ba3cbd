//! Users of our own processes.

use confine::Identity;
use nix::unistd::{Uid, User};

/// User of the frontend, unless the configuration names another.
pub const FRONTEND: &str = "portreeve";
/// User of the resolver, unless the configuration names another.
pub const RESOLVER: &str = "portreeve-resolver";

/// Uids that systemd hands out to services without a user of their own: nobody else has one.
const SPARE: std::ops::Range<u32> = 61_184..65_520;

/// The user of one of our own processes: the one of this name, or else a spare number, so
/// that each has one that nobody else has.
///
/// `taken` are the spare numbers already given. The second value says that the number is
/// spare.
pub fn role_user(name: &str, taken: &[u32]) -> (Identity, bool) {
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

    #[test]
    fn roles_without_a_user_get_numbers_of_their_own() {
        let (first, spare) = role_user("no-such-user", &[]);
        assert!(spare && SPARE.contains(&first.uid));
        let (second, _) = role_user("no-such-user", &[first.uid]);
        assert_ne!(first.uid, second.uid);
    }
}
