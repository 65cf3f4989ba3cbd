//! One entry: the columns after the protocol, and the service they make.

use super::Trouble;
use super::address::{self, Default};
use super::words::Word;
use crate::diagnostic::position;
use crate::profile::Profile;
use crate::service::{
    Account, Builtin, Limits, Mode, Origin, PerSource, Port, Program, Server, Service, Transport,
    base_name, daemon_name,
};
use std::ffi::CString;

/// Something worth knowing about an entry that is started, and what happens now.
pub(super) type Remark = (Trouble, &'static str);

/// Reads an entry.
pub(super) fn read(
    file: usize,
    text: &[u8],
    words: &[Word],
    default: &Default,
    remarks: &mut Vec<Remark>,
) -> Result<Service, Trouble> {
    let [name, socktype, protocol, wait, user, server, argv @ ..] = words else {
        return Err(too_short(words));
    };
    let (addresses, port) = address::service(name, default)?;
    let (transport, listen, buffers) = address::listen(protocol, &addresses, &port)?;
    check_socktype(socktype, transport)?;
    if buffers {
        remarks.push((
            Trouble::new(protocol, "buffer sizes are not set"),
            "the kernel's own sizes are used",
        ));
    }
    let (mode, limits) = mode(wait)?;
    let account = account(user)?;
    let (server, hosts_access) = if server.bytes == b"internal" {
        (Server::Builtin(builtin(server, &port)?), None)
    } else {
        let (program, daemon) = program(server, argv, account, remarks)?;
        (Server::External(program), daemon)
    };
    let mode = match (&server, mode, transport) {
        (Server::Builtin(_), ..) => Mode::Nowait,
        (_, Mode::Nowait, Transport::Udp) => {
            return Err(Trouble::new(
                wait,
                "a datagram server must be `wait`: it reads from the socket itself",
            ));
        }
        (_, Mode::Wait, Transport::Tcp) if hosts_access.is_some() => {
            let what = "tcpd cannot check connections that the server accepts itself (`stream` with `wait`)";
            return Err(Trouble::new(wait, what));
        }
        (_, Mode::Wait, _) if limits.per_source.is_some() => {
            let what = "a limit for each source cannot be kept where the server accepts connections itself";
            return Err(Trouble::new(wait, what));
        }
        (_, mode, _) => mode,
    };
    remark_on_arguments(argv, remarks);
    let id = match &port {
        Port::Number(number) => number.to_string(),
        Port::Name(name) => name.clone(),
    };
    let span = name.span.start..words.last().unwrap_or(name).span.end;
    let (line, _) = position(text, span.start);
    Ok(Service {
        id,
        listen,
        mode,
        server,
        hosts_access,
        limits,
        profile: Profile::baseline(),
        environment: Vec::new(),
        origin: Origin { file, span, line },
    })
}

fn too_short(words: &[Word]) -> Trouble {
    const COLUMNS: [&str; 6] = [
        "service",
        "socket type",
        "protocol",
        "wait or nowait",
        "user",
        "server",
    ];
    let missing = COLUMNS.get(words.len()..).unwrap_or_default().join(", ");
    let first = words.first().map_or(0, |word| word.span.start);
    let span = first..words.last().map_or(0, |word| word.span.end);
    let what = match words.first() {
        Some(word) if word.bytes.starts_with(b".") => "`.include` is not supported yet".to_owned(),
        _ => format!("the line ends too early; missing: {missing}"),
    };
    Trouble { span, what }
}

fn check_socktype(word: &Word, transport: Transport) -> Result<(), Trouble> {
    match (word.bytes.as_slice(), transport) {
        (b"stream", Transport::Tcp) | (b"dgram", Transport::Udp) => Ok(()),
        (b"stream", Transport::Udp) => Err(Trouble::new(
            word,
            "`stream` does not go with udp: it must be `dgram`",
        )),
        (b"dgram", Transport::Tcp) => Err(Trouble::new(
            word,
            "`dgram` does not go with tcp: it must be `stream`",
        )),
        _ => {
            let what = format!(
                "`{}` is not a socket type: it must be `stream` or `dgram`",
                word.text()
            );
            Err(Trouble::new(word, what))
        }
    }
}

/// `wait`, `nowait`, `nowait.60`, `wait:60`, `nowait/40`, `nowait/40/60/4`.
fn mode(word: &Word) -> Result<(Mode, Limits), Trouble> {
    let text = word.text();
    let end = text.find(['.', ':', '/']).unwrap_or(text.len());
    let (keyword, rest) = text.split_at_checked(end).unwrap_or((&text, ""));
    let mode = match keyword {
        "wait" => Mode::Wait,
        "nowait" => Mode::Nowait,
        _ => {
            return Err(Trouble::new(
                word,
                format!("`{text}` is neither `wait` nor `nowait`"),
            ));
        }
    };
    let mut limits = Limits::default();
    if let Some(rest) = rest.strip_prefix(['.', ':']) {
        let number = number(word, rest)?;
        if number == 0 {
            return Err(Trouble::new(word, "a limit of 0 starts in a minute"));
        }
        limits.per_minute = Some(number);
    } else if let Some(rest) = rest.strip_prefix('/') {
        children(word, rest, &mut limits)?;
    }
    Ok((mode, limits))
}

/// FreeBSD's `max-child[/max-connections-per-ip-per-minute[/max-child-per-ip]]`; 0 is no limit.
fn children(word: &Word, text: &str, limits: &mut Limits) -> Result<(), Trouble> {
    let numbers = text
        .split('/')
        .map(|part| number(word, part))
        .collect::<Result<Vec<_>, _>>()?;
    let limit = |at: usize| numbers.get(at).copied().filter(|&number| number > 0);
    if numbers.len() > 3 {
        return Err(Trouble::new(word, "more than three limits"));
    }
    if limit(1).is_some() {
        return Err(Trouble::new(
            word,
            "a limit of starts in a minute for each source is not supported yet",
        ));
    }
    limits.instances = limit(0);
    limits.per_source = limit(2).map(|each| PerSource {
        v4: each,
        v6: each,
        v6_prefix: 128,
    });
    Ok(())
}

fn number(word: &Word, text: &str) -> Result<u32, Trouble> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| {
        Trouble::new(
            word,
            format!("`{text}` is not a limit: it must be a number"),
        )
    })
}

/// `user`, `user:group` or `user.group`.
fn account(word: &Word) -> Result<Account, Trouble> {
    let Ok(text) = std::str::from_utf8(&word.bytes) else {
        return Err(Trouble::new(word, "a user name that is not UTF-8"));
    };
    if text.contains('/') {
        return Err(Trouble::new(
            word,
            "login classes do not exist here, and a class may have set limits",
        ));
    }
    let split = text.split_once(':').map(|parts| (parts, false));
    let split = split.or_else(|| text.rsplit_once('.').map(|parts| (parts, true)));
    let (user, group, dotted) = match split {
        Some(((user, group), dotted)) => (user, Some(group), dotted),
        None => (text, None, false),
    };
    if user.is_empty() || group.is_some_and(str::is_empty) {
        return Err(Trouble::new(
            word,
            format!("`{text}` lacks the user or the group"),
        ));
    }
    let group = group.map(str::to_owned);
    Ok(Account {
        user: user.to_owned(),
        supplementary: group.is_none(),
        group,
        dotted,
    })
}

fn builtin(word: &Word, port: &Port) -> Result<Builtin, Trouble> {
    let name = match port {
        Port::Name(name) => name.clone(),
        Port::Number(number) => number.to_string(),
    };
    Builtin::by_name(&name)
        .ok_or_else(|| Trouble::new(word, format!("there is no builtin service `{name}`")))
}

/// The program, and the daemon name if tcpd was to check access for it.
fn program(
    server: &Word,
    argv: &[Word],
    account: Account,
    remarks: &mut Vec<Remark>,
) -> Result<(Program, Option<Vec<u8>>), Trouble> {
    if server.bytes.first() != Some(&b'/') || server.bytes.ends_with(b"/") {
        let what = format!(
            "the server `{}` is not an absolute path of a file",
            server.text()
        );
        return Err(Trouble::new(server, what));
    }
    let mut arguments: Vec<Vec<u8>> = argv.iter().map(|word| word.bytes.clone()).collect();
    let behind_tcpd = base_name(&server.bytes) == b"tcpd";
    let (path, daemon) = match (arguments.first_mut(), behind_tcpd) {
        (None, true) => {
            return Err(Trouble::new(
                server,
                "tcpd is not told which server to start",
            ));
        }
        (None, false) => {
            let what = "no argument 0 after the server";
            remarks.push((
                Trouble::new(server, what),
                "it is given the server's file name",
            ));
            arguments.push(base_name(&server.bytes).to_vec());
            (server.bytes.clone(), None)
        }
        (Some(_), false) => (server.bytes.clone(), None),
        (Some(argv0), true) => {
            let path = behind(argv0);
            (path, Some(daemon_name(argv0)))
        }
    };
    if daemon.as_ref().is_some_and(Vec::is_empty) {
        return Err(Trouble::new(
            argv.first().unwrap_or(server),
            "tcpd is told a directory, not a server",
        ));
    }
    let string =
        |bytes: Vec<u8>| CString::new(bytes).map_err(|_| Trouble::new(server, "a NUL byte"));
    let argv = arguments
        .into_iter()
        .map(string)
        .collect::<Result<_, _>>()?;
    Ok((
        Program {
            path: string(path)?,
            argv,
            account,
        },
        daemon,
    ))
}

/// The program tcpd would execute; `argv0` becomes what tcpd would make of it.
///
/// Source: tcpd.c, `REAL_DAEMON_DIR` is `/usr/sbin` on Debian.
fn behind(argv0: &mut Vec<u8>) -> Vec<u8> {
    if argv0.first() == Some(&b'/') {
        let path = argv0.clone();
        *argv0 = base_name(&path).to_vec();
        path
    } else {
        [b"/usr/sbin/".as_slice(), argv0].concat()
    }
}

/// What every inetd passes on as an argument and was probably not meant as one.
fn remark_on_arguments(argv: &[Word], remarks: &mut Vec<Remark>) {
    if let Some(word) = argv
        .iter()
        .skip(1)
        .find(|word| word.bytes.first() == Some(&b'#'))
    {
        let what = "`#` begins a comment only at the start of a line";
        remarks.push((
            Trouble::new(word, what),
            "it and what follows are passed to the server as arguments",
        ));
    }
    let looks_like_entry = |words: &&[Word]| {
        matches!(words, [socktype, protocol, wait] if (socktype.bytes == b"stream" || socktype.bytes == b"dgram")
            && (protocol.bytes.starts_with(b"tcp") || protocol.bytes.starts_with(b"udp"))
            && wait.bytes.windows(4).any(|part| part == b"wait"))
    };
    if let Some([socktype, ..]) = argv.windows(3).find(looks_like_entry) {
        let what = "this looks like a service of its own, but its line begins with a blank and so continues the one before";
        remarks.push((
            Trouble::new(socktype, what),
            "it is passed to the server before it as arguments",
        ));
    }
}
