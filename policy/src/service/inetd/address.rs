//! The service and protocol columns: where to listen.

use super::Trouble;
use super::words::Word;
use crate::service::{Listen, Port, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that entries without one of their own listen on.
#[derive(Default)]
pub(super) enum Default {
    /// All.
    #[default]
    All,
    /// Those of a line `address:`.
    Known(Addresses),
    /// Such a line was not understood.
    Unknown,
}

/// Addresses to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// All of the machine.
    All,
    /// These.
    These(Vec<IpAddr>),
    /// `localhost`: the loopback address of each family.
    Loopback,
}

impl Addresses {
    /// Reads what is before the colon: `*`, or a list of addresses with commas.
    pub(super) fn parse(word: &Word, host: &[u8]) -> Result<Self, Trouble> {
        match host {
            b"*" => return Ok(Addresses::All),
            b"localhost" => return Ok(Addresses::Loopback),
            _ => {}
        }
        let host = String::from_utf8_lossy(host);
        let one = |text: &str| {
            let v6 = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let address = match v6 {
                Some(v6) => v6.parse().map(IpAddr::V6).ok(),
                None => text.parse().map(IpAddr::V4).ok(),
            };
            address.ok_or_else(|| match (text.parse::<Ipv6Addr>(), text) {
                (Ok(_), _) => Trouble::new(
                    word,
                    format!("an IPv6 address without brackets: write `[{text}]:`"),
                ),
                (_, "") => Trouble::new(word, "no address before the colon"),
                _ => Trouble::new(
                    word,
                    format!("`{text}` is not an address, and names are not looked up here"),
                ),
            })
        };
        host.split(',')
            .map(one)
            .collect::<Result<_, _>>()
            .map(Addresses::These)
    }
}

/// Splits `address:service`, and reads the address.
pub(super) fn service(word: &Word, default: &Default) -> Result<(Addresses, Port), Trouble> {
    if word.bytes.first() == Some(&b'/') || word.bytes.starts_with(b":") {
        return Err(Trouble::new(word, "Unix sockets are not supported yet"));
    }
    let colon = word.bytes.iter().rposition(|&byte| byte == b':');
    let (host, name) = match colon.and_then(|at| word.bytes.split_at_checked(at)) {
        Some((host, name)) => (Some(host), name.get(1..).unwrap_or_default()),
        None => (None, word.bytes.as_slice()),
    };
    let addresses = match (host, default) {
        (Some(host), _) => Addresses::parse(word, host)?,
        (None, Default::All) => Addresses::All,
        (None, Default::Known(addresses)) => addresses.clone(),
        (None, Default::Unknown) => {
            return Err(Trouble::new(
                word,
                "the address this service listens on was not understood above",
            ));
        }
    };
    Ok((addresses, port(word, name)?))
}

fn port(word: &Word, name: &[u8]) -> Result<Port, Trouble> {
    let text = String::from_utf8_lossy(name);
    if text.starts_with("tcpmux/") {
        return Err(Trouble::new(
            word,
            "services behind tcpmux are not supported yet",
        ));
    }
    if text.contains('/') {
        return Err(Trouble::new(word, "RPC services are not supported yet"));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().ok().filter(|&number: &u16| number != 0);
        let what = || Trouble::new(word, format!("{text} is not a port from 1 to 65535"));
        return number.map(Port::Number).ok_or_else(what);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if text.is_empty() || !text.chars().all(plain) {
        return Err(Trouble::new(
            word,
            format!("`{text}` is not the name of a service"),
        ));
    }
    Ok(Port::Name(text.into_owned()))
}

/// What a protocol word says about IPv4 and IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Nothing: both, as openbsd-inetd has it.
    Unsaid,
    V4,
    V6,
    /// One IPv6 socket for both.
    Dual,
}

/// Reads the protocol column: the transport, what to listen on, and whether it names buffer
/// sizes.
pub(super) fn listen(
    word: &Word,
    addresses: &Addresses,
    port: &Port,
) -> Result<(Transport, Vec<Listen>, bool), Trouble> {
    let text = word.text();
    let (protocol, buffers) = text
        .split_once(',')
        .map_or((&*text, None), |(p, b)| (p, Some(b)));
    if let Some(other) = buffers
        .iter()
        .flat_map(|list| list.split(','))
        .find(|b| !is_buffer(b))
    {
        return Err(Trouble::new(
            word,
            format!("`{other}` is neither `sndbuf=N` nor `rcvbuf=N`"),
        ));
    }
    let (transport, family) = transport(word, protocol)?;
    let found = sockets(addresses, family);
    if found.is_empty() {
        let what = format!("`{protocol}` does not go with the address of this service");
        return Err(Trouble::new(word, what));
    }
    let listen = found.into_iter().map(|(address, dual, implied)| Listen {
        transport,
        address,
        dual,
        implied,
        port: port.clone(),
    });
    Ok((transport, listen.collect(), buffers.is_some()))
}

fn transport(word: &Word, protocol: &str) -> Result<(Transport, Family), Trouble> {
    let split = [("tcp", Transport::Tcp), ("udp", Transport::Udp)];
    let found = split
        .iter()
        .find_map(|(name, transport)| Some((protocol.strip_prefix(name)?, *transport)));
    let (digits, transport) = found.ok_or_else(|| {
        let what = if protocol.starts_with("rpc/") {
            "RPC services are not supported yet".to_owned()
        } else {
            format!("`{protocol}` is not a protocol: it must be tcp or udp")
        };
        Trouble::new(word, what)
    })?;
    let family = match digits {
        "" => Family::Unsaid,
        "4" => Family::V4,
        "6" | "6only" => Family::V6,
        "46" | "64" => Family::Dual,
        _ => {
            return Err(Trouble::new(
                word,
                format!("`{protocol}` is not a protocol"),
            ));
        }
    };
    Ok((transport, family))
}

/// Each socket: its address, whether it takes IPv4 clients too, and whether it is the implied
/// half.
fn sockets(addresses: &Addresses, family: Family) -> Vec<(IpAddr, bool, bool)> {
    let (v4, v6) = match addresses {
        Addresses::These(list) => {
            let fits = |address: &&IpAddr| match family {
                Family::V4 => address.is_ipv4(),
                Family::V6 => address.is_ipv6(),
                Family::Unsaid | Family::Dual => true,
            };
            let all_fit = list.iter().all(|address| fits(&address));
            let sockets = list.iter().map(|&address| (address, false, false));
            return if all_fit {
                sockets.collect()
            } else {
                Vec::new()
            };
        }
        Addresses::All => (
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ),
        Addresses::Loopback => (
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ),
    };
    match family {
        Family::V4 => vec![(v4, false, false)],
        Family::V6 => vec![(v6, false, false)],
        Family::Dual if *addresses == Addresses::All => vec![(v6, true, false)],
        Family::Dual | Family::Unsaid => vec![(v4, false, false), (v6, false, true)],
    }
}

/// `sndbuf=16k` and its like.
fn is_buffer(text: &str) -> bool {
    let size = text
        .strip_prefix("sndbuf=")
        .or_else(|| text.strip_prefix("rcvbuf="));
    let digits = size.map(|size| size.trim_end_matches(['k', 'K', 'm', 'M']));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
