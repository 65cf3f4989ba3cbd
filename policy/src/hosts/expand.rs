//! %-sequences in commands, variables and banners (hosts_access(5), % EXPANSIONS).

use super::case::{Case, End, Stop};
use super::facts::Facts;
use super::request::{Hostname, UNKNOWN};

/// Most bytes that the expansion of an option's value may have.
pub(super) const VALUE_LIMIT: usize = 8190;

/// Most bytes that the expansion of one line of a banner may have.
const BANNER_LIMIT: usize = 16_382;

/// Longest piece of a banner line that is expanded at once.
const BANNER_CHUNK: usize = 8190;

/// Replaces every byte that could mean something to a shell by `_`.
fn sanitise(text: &mut [u8]) {
    for byte in text {
        let fine = byte.is_ascii_alphanumeric() || b"!@%-_=+:,./".contains(byte);
        if !fine {
            *byte = b'_';
        }
    }
}

/// Replaces the %-sequences of `text`. Only what is put in is sanitised, and what was looked
/// up is sanitised where it is kept, so that later matches and log lines see that form.
pub(super) fn percent<F: Facts>(
    text: &[u8],
    limit: usize,
    case: &mut Case<F>,
) -> Result<Vec<u8>, Stop> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after.split_first()) {
            (b'%', Some((&letter, after))) => {
                let mut value = value_of(letter, case)?;
                sanitise(&mut value);
                result.extend_from_slice(&value);
                rest = after;
            }
            _ => {
                result.push(byte);
                rest = after;
            }
        }
        if result.len() > limit {
            let start = result.get(..30).unwrap_or_default();
            let what = String::from_utf8_lossy(start).into_owned();
            return Err(Stop::Fatal(format!(
                "percent_x: expansion too long: {what}..."
            )));
        }
    }
    Ok(result)
}

fn value_of<F: Facts>(letter: u8, case: &mut Case<F>) -> Result<Vec<u8>, Stop> {
    let port = |port: Option<u16>| port.unwrap_or_default().to_string().into_bytes();
    Ok(match letter {
        b'a' => case.address(End::Client).to_vec(),
        b'A' => case.address(End::Server).to_vec(),
        b'n' => name(End::Client, case)?,
        b'N' => name(End::Server, case)?,
        b'h' => info(End::Client, case)?,
        b'H' => info(End::Server, case)?,
        b'c' => match &case.known.user {
            Some(user) if !user.eq_ignore_ascii_case(UNKNOWN) => {
                case.known.client_text(case.request)
            }
            _ => info(End::Client, case)?,
        },
        b's' => {
            let text = case.known.server_text(case.request);
            if text == case.known.daemon {
                sanitise(&mut case.known.daemon);
            }
            text
        }
        b'u' => {
            let user = case.user()?;
            sanitise(user);
            user.clone()
        }
        b'd' => {
            sanitise(&mut case.known.daemon);
            case.known.daemon.clone()
        }
        b'p' => case.request.pid.to_string().into_bytes(),
        b'r' => port(case.request.client.port),
        b'R' => port(case.request.server.port),
        b'%' => b"%".to_vec(),
        _ => {
            let letter = String::from_utf8_lossy(&[letter]).into_owned();
            case.warn(format!("unrecognized %{letter}"));
            Vec::new()
        }
    })
}

/// The name of an end, looked up if need be.
fn name<F: Facts>(end: End, case: &mut Case<F>) -> Result<Vec<u8>, Stop> {
    let fact = case.name(end)?;
    if let Hostname::Known(name) = &mut fact.hostname {
        sanitise(name);
    }
    Ok(fact.hostname.text().to_vec())
}

/// The name of an end if it has been looked up and is good, else the address.
fn info<F: Facts>(end: End, case: &mut Case<F>) -> Result<Vec<u8>, Stop> {
    let fact = match end {
        End::Client => &case.known.client,
        End::Server => &case.known.server,
    };
    match fact {
        Some(fact) if fact.hostname.is_known() => name(end, case),
        _ => Ok(case.address(end).to_vec()),
    }
}

/// A banner as it is sent: line feeds become CR LF, %-sequences are replaced, NUL bytes at the
/// start are kept and one within a line ends that line.
pub(super) fn banner<F: Facts>(content: &[u8], case: &mut Case<F>) -> Result<Vec<u8>, Stop> {
    let nuls = content.iter().take_while(|&&b| b == 0).count();
    let (start, lines) = content.split_at_checked(nuls).unwrap_or((b"", content));
    let mut result = start.to_vec();
    for line in lines.split_inclusive(|&b| b == b'\n') {
        for chunk in line.chunks(BANNER_CHUNK) {
            let text = chunk.split(|&b| b == 0).next().unwrap_or_default();
            let text = match text.strip_suffix(b"\n") {
                Some(text) => [text, b"\r\n"].concat(),
                None => text.to_vec(),
            };
            result.extend(percent(&text, BANNER_LIMIT, case)?);
        }
    }
    Ok(result)
}
