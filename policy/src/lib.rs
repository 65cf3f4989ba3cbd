//! What the administrator wrote, as data, and the verdict that follows from it.
//!
//! This library does no input or output and reads no clock: callers hand it bytes and
//! facts, it answers with values. The access language is in [`hosts`], the services and the
//! files that describe them in [`service`], what a server may do in [`profile`].
#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod hosts;
pub mod profile;
pub mod service;
