//! IP options on the connection, which tcp_wrappers looks at on IPv4 sockets only.
//!
//! Source routes let a client pretend to any address. Linux drops packets that have them
//! unless told otherwise, so this is a second line of defence.

use crate::log::Log;
use crate::peer::{CONNECTION, Peer};
use nix::sys::socket::{AddressFamily, Shutdown, shutdown};
use policy::hosts::verdict::Compat;
use std::os::fd::AsFd;

/// Loose and strict source route. Source: RFC 791.
const SOURCE_ROUTES: [u8; 2] = [0x83, 0x89];
const END: u8 = 0;
const NO_OPERATION: u8 = 1;

/// The original leaves out as many bytes: on BSD the first hop stands there.
const FIRST_HOP: usize = 4;

/// Whether to go on with this connection, options removed. Standard input that is no socket
/// is never gone on with.
pub fn acceptable(peer: &Peer, compat: Compat, log: &mut Log) -> bool {
    match &peer.family {
        Ok(Some(AddressFamily::Inet)) => (),
        Ok(_) => return true,
        Err(error) => {
            log.failure("getpeername", error);
            return false;
        }
    }
    let connection = std::io::stdin();
    let options = match sys::socket::ip_options(connection.as_fd()) {
        Ok(options) if options.is_empty() => return true,
        Ok(options) => options,
        Err(_) if compat == Compat::TcpWrappers => return true,
        Err(error) => {
            log.failure("error: cannot see the connection's IP options", &error);
            return false;
        }
    };
    let client = peer.client.text();
    let seen = match compat {
        Compat::Strict => &options[..],
        Compat::TcpWrappers => options.get(FIRST_HOP..).unwrap_or_default(),
    };
    if has_source_route(seen) {
        log.source_route(&client);
        hang_up();
        return compat == Compat::TcpWrappers;
    }
    log.ip_options(&client, &options);
    if let Err(error) = sys::socket::clear_ip_options(connection.as_fd()) {
        log.failure("setsockopt IP_OPTIONS NULL", &error);
        hang_up();
        return compat == Compat::TcpWrappers;
    }
    true
}

fn hang_up() {
    // Fails only if nobody is connected any more.
    let _ = shutdown(CONNECTION, Shutdown::Both);
}

fn has_source_route(mut options: &[u8]) -> bool {
    while let Some((&kind, rest)) = options.split_first() {
        if SOURCE_ROUTES.contains(&kind) {
            return true;
        }
        options = match (kind, rest.first()) {
            (END, _) => return false,
            (NO_OPERATION, _) => rest,
            (_, Some(&length)) if length >= 2 => {
                options.get(usize::from(length)..).unwrap_or_default()
            }
            _ => return false,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_routes_are_found_wherever_they_are() {
        let route: &[u8] = &[0x83, 7, 4, 10, 0, 0, 1];
        let timestamp: &[u8] = &[0x44, 4, 5, 0x20];
        assert!(has_source_route(route));
        assert!(has_source_route(&[&[1, 1], route].concat()));
        assert!(has_source_route(
            &[timestamp, &[0x89, 7, 4, 10, 0, 0, 1]].concat()
        ));
        assert!(!has_source_route(timestamp));
        assert!(!has_source_route(&[&[0], route].concat()));
        assert!(!has_source_route(&[0x44]));
        assert!(!has_source_route(&[0x44, 0, 0x83]));
        assert!(!has_source_route(&[0x44, 200, 0x83]));
    }
}
