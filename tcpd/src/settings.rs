//! How rules are to be taken: `/etc/portreeve/tcpd.conf`.

use crate::log::Log;
use policy::hosts::settings::{PATH, Wrong, parse};
use policy::hosts::verdict::Compat;
use portreeve_log::errno_text;
use std::io;

/// How rules are to be taken. Whatever is wrong with the file makes them strict and is logged.
pub fn read(log: &mut Log) -> Compat {
    let text = match std::fs::read(PATH) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Compat::Strict,
        Err(error) => {
            let reason = errno_text(&error);
            log.warning(&format!("{PATH}: {reason}; compat = strict is in force"));
            return Compat::Strict;
        }
    };
    parse(&text).unwrap_or_else(|Wrong { line, what }| {
        log.warning(&format!(
            "{PATH}, line {line}: {what}; compat = strict is in force"
        ));
        Compat::Strict
    })
}
