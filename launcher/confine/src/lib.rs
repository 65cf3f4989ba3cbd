//! Confinement: prepared once from data, applied in a child in a fixed order.
//!
//! [`Sandbox`] holds what the kernel wants to be given (a Landlock ruleset, a seccomp
//! program, ids, limits), so that a child has nothing to look up, open or allocate. A child
//! passes through the stages of [`stage`] and cannot skip one; [`launch`] creates it.
//! [`role`] confines our own long-lived processes with the same means.
#![forbid(unsafe_code)]

pub mod capability;
pub mod filesystem;
pub mod filter;
pub mod launch;
pub mod program;
pub mod role;
pub mod sandbox;
pub mod stage;

pub use launch::Launcher;
pub use program::Program;
pub use sandbox::{Identity, Limit, Sandbox, Specification};
pub use stage::{Step, StepError};
