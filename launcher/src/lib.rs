//! What the launcher's programs share: the plan the monitor hands to the frontend, the
//! access tables, and the rendering of diagnostics. The processes themselves are the
//! binaries: `portreeve` (monitor and operator's command), `portreeve-frontend` and
//! `portreeve-resolver`.
#![forbid(unsafe_code)]

pub mod check;
pub mod peer;
pub mod plan;
pub mod role_user;
pub mod tables;
