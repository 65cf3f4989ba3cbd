//! Facts that cost something to find out, asked for only when a rule needs them.

use super::option::Effect;
use super::request::Hostname;
use std::borrow::Cow;

/// A fact is being looked up; evaluate again when the answer is there.
///
/// Only a caller that must not block (the frontend) ever returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending;

/// Why a file named in a table could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    /// There is no such file.
    Missing,
    /// It exists and could not be read; the text is the system's reason.
    Unreadable(String),
}

/// What a name lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostnameFact {
    /// The verified name, or what stands for it.
    pub hostname: Hostname,
    /// The answer is missing because the lookup failed or timed out, not because the
    /// address has no name. Strict evaluation resolves such a fact in the safe direction.
    pub failed: bool,
    /// What tcp_wrappers would warn of (`host name/address mismatch: …`), if anything. It
    /// is repeated in the verdict's warnings, with the place of the rule that asked.
    pub warning: Option<String>,
}

/// The world outside, as far as a rule may ask about it.
///
/// Implementations must be consistent within one evaluation: the same question gets the
/// same answer. Names and users are asked for at most once in an evaluation, and only if a
/// token or a %-sequence that is tried needs them.
pub trait Facts {
    /// The verified name of the client's address.
    ///
    /// # Errors
    /// [`Pending`] when the answer is not there yet.
    fn client_hostname(&mut self) -> Result<HostnameFact, Pending>;

    /// The verified name of the server's address.
    ///
    /// # Errors
    /// [`Pending`] when the answer is not there yet.
    fn server_hostname(&mut self) -> Result<HostnameFact, Pending>;

    /// The user name that the client's ident service tells (RFC 1413), `None` if it does
    /// not. `timeout` is in seconds.
    ///
    /// # Errors
    /// [`Pending`] when the answer is not there yet.
    fn client_user(&mut self, timeout: u32) -> Result<Option<Vec<u8>>, Pending>;

    /// The bytes of a file of patterns named in a table; none for a directory.
    ///
    /// # Errors
    /// [`FileTrouble`] says why there are none.
    fn file(&mut self, path: &[u8]) -> Result<Cow<'_, [u8]>, FileTrouble>;

    /// The bytes of the netgroup database (`/etc/netgroup`).
    ///
    /// # Errors
    /// [`FileTrouble`] says why there are none.
    fn netgroups(&mut self) -> Result<Cow<'_, [u8]>, FileTrouble>;

    /// Runs the `aclexec` command and tells whether it exited with status 0.
    ///
    /// `before` is what the options so far ask for; a command that depends on the
    /// environment needs its [`Effect::Setenv`]s. A caller that answers [`Pending`]
    /// anywhere must remember the result, because evaluation starts over.
    ///
    /// # Errors
    /// [`Pending`] when the answer is not there yet.
    fn aclexec(&mut self, command: &[u8], before: &[Effect]) -> Result<bool, Pending>;

    /// Whether the system's user database has this name (case matters).
    fn user_exists(&mut self, name: &[u8]) -> bool;

    /// Whether the system's group database has this name (case matters).
    fn group_exists(&mut self, name: &[u8]) -> bool;

    /// Whether a network interface of this name exists; asked only for `[fe80::1%name]`.
    fn interface_exists(&mut self, name: &[u8]) -> bool;

    /// The file `daemon` in a banner directory; `None` if the directory is there and the
    /// file cannot be read.
    ///
    /// # Errors
    /// The system's reason why the directory cannot be looked at.
    fn banner(&mut self, directory: &[u8], daemon: &[u8]) -> Result<Option<Vec<u8>>, String>;
}
