//! What was decided, and why.

use super::known::Known;
use super::option::Effect;

/// Which of the two tables a rule stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// `hosts.allow`.
    Allow,
    /// `hosts.deny`.
    Deny,
}

/// How unclear input is resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// What cannot be understood or looked up resolves in the safe direction.
    #[default]
    Strict,
    /// As Debian's tcp_wrappers 7.6.q-32 resolves it, open or closed.
    TcpWrappers,
}

/// Why a verdict fell as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rule matched.
    Rule {
        /// The table the rule stands in.
        table: TableKind,
        /// Its last physical line, from 1.
        line: u32,
        /// The client pattern that matched, as written.
        pattern: Vec<u8>,
    },
    /// No rule matched: the language grants.
    NoMatch,
    /// A rule matched and one of its options was wrong: the language denies.
    BadOption {
        /// The table the rule stands in.
        table: TableKind,
        /// Its last physical line, from 1.
        line: u32,
        /// What was wrong with it.
        what: String,
    },
    /// A rule could not be understood, or what it asks about could not be looked up, and
    /// that was resolved in the safe direction.
    Unintelligible {
        /// The table the rule stands in.
        table: TableKind,
        /// Its last physical line, from 1.
        line: u32,
        /// What was wrong with it.
        what: String,
    },
    /// A table could not be read.
    Unreadable {
        /// The table.
        table: TableKind,
        /// The path and the system's reason.
        what: String,
    },
}

/// Something in a table that the administrator should hear about.
///
/// `line` 0 with [`Warning::whole_table`] stands for the table as a whole. (Line 0 alone
/// occurs too: tcp_wrappers counts line ends, and a file may have none.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The table it was met in.
    pub table: TableKind,
    /// Last physical line of the rule, from 1.
    pub line: u32,
    /// Logged without file and line, as it is about the table and not a rule.
    pub whole_table: bool,
    /// The text as tcp_wrappers words it, or ours where it has none.
    pub text: String,
    /// True where tcp_wrappers logs the text as an `error:`, false for `warning:`.
    pub error: bool,
}

/// One step of the decision, for tools that show the way to a verdict (tcpdmatch, explain).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A rule's daemon and client lists matched.
    Matched {
        /// The table the rule stands in.
        table: TableKind,
        /// Its last physical line, from 1.
        line: u32,
    },
    /// An option was about to take effect.
    Option {
        /// The keyword as typed.
        keyword: Vec<u8>,
        /// Its value, %-sequences expanded; empty if there is none.
        value: Vec<u8>,
    },
    /// A rule did not count because its `aclexec` command said no; tcp_wrappers logs
    /// `aclexec returned 1`.
    AclexecRefused,
}

/// A decision about one request, with everything that must follow from it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the daemon may be run for this client.
    ///
    /// False where the rule twists: then [`Verdict::twist`] is run in the daemon's place,
    /// and a caller that cannot do that refuses.
    pub granted: bool,
    /// Why.
    pub reason: Reason,
    /// What the options ask for, in the order written.
    pub effects: Vec<Effect>,
    /// What to tell the administrator, in the order met.
    pub warnings: Vec<Warning>,
    /// How the verdict was reached.
    pub steps: Vec<Step>,
    /// The names that were looked up on the way; log lines show these and no others.
    pub known: Known,
}

impl Verdict {
    /// The command to run in place of the daemon, if the rule asks for that.
    #[must_use]
    pub fn twist(&self) -> Option<&[u8]> {
        match self.effects.last() {
            Some(Effect::Twist(command)) => Some(command),
            _ => None,
        }
    }
}
