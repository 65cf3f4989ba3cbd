//! What is written down: syslog lines as the original tools word them, and audit records.
//!
//! [`syslog`] carries lines to the system's logger without ever blocking for long, [`record`]
//! words the three records of a connection, [`errno_text`] is syslog(3)'s `%m`.
#![forbid(unsafe_code)]

mod errno;
pub mod record;
pub mod syslog;

pub use errno::errno_text;
