//! `[service.NAME]`.

use super::reader::{Item, Reader, Table, Text};
use super::sandbox;
use crate::profile::{Value, suggestion};
use crate::service::{
    Account, Builtin, Limits, Listen, Mode, PerSource, Port, Program, Server, Service, Transport,
    base_name, daemon_name,
};
use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads a service. `None` if it lacks something; then, and if anything else is wrong, the
/// reader knows why.
pub(super) fn read(reader: &mut Reader, name: &Text, table: &mut Table) -> Option<Service> {
    check_name(reader, name);
    let listen = listens(reader, table);
    let transport = listen.first().map(|listen| listen.transport);
    let wait = table
        .take("wait")
        .map(|item| (item.span.clone(), item.boolean(reader)));
    let server = server(reader, table);
    let hosts_access = hosts_access(reader, table, server.as_ref());
    let limits = limits(reader, table);
    let profile = sandbox::profile(reader, table);
    let environment = environment(reader, table);
    let mode = if matches!(wait, Some((_, Some(true)))) {
        Mode::Wait
    } else {
        Mode::Nowait
    };
    let place = wait.map_or_else(|| name.span.clone(), |(span, _)| span);
    let trouble = match (server.as_ref(), mode, transport) {
        (Some(Server::Builtin(_)), Mode::Wait, _) => Some("a builtin service cannot be `wait`"),
        (Some(Server::External(_)), Mode::Nowait, Some(Transport::Udp)) => {
            Some("a datagram server needs `wait = true`: it reads from the socket itself")
        }
        (_, Mode::Wait, Some(Transport::Tcp)) if hosts_access.is_some() => Some(
            "access rules cannot be applied to connections that the server accepts itself; \
             write `hosts_access = false`",
        ),
        (_, Mode::Wait, _) if limits.per_source.is_some() => {
            Some("`per_source` cannot be kept where the server accepts connections itself")
        }
        _ => None,
    };
    if let Some(what) = trouble {
        reader.fail(place, what);
    }
    Some(Service {
        id: name.text.clone(),
        listen,
        mode,
        server: server?,
        hosts_access,
        limits,
        profile: profile?,
        environment,
        origin: reader.origin(&name.span),
    })
}

fn check_name(reader: &mut Reader, name: &Text) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if name.text.is_empty() || name.text.len() > 64 || !name.text.chars().all(plain) {
        reader.fail(
            name.span.clone(),
            "a service's name is 1 to 64 letters, digits, `-`, `_`, `.` or `+`",
        );
    }
}

fn listens(reader: &mut Reader, table: &mut Table) -> Vec<Listen> {
    let Some(item) = table.take("listen") else {
        reader.fail(table.span.clone(), "there is no `listen`");
        return Vec::new();
    };
    let whole = item.span.clone();
    let Some(texts) = item.strings(reader) else {
        return Vec::new();
    };
    if texts.is_empty() {
        reader.fail(whole.clone(), "`listen` names nothing");
    }
    let mut all = Vec::new();
    for text in texts {
        match listen(&text.text) {
            Ok(found) => all.extend(found),
            Err(what) => reader.fail(text.span, what),
        }
    }
    if all
        .iter()
        .any(|listen: &Listen| Some(listen.transport) != all.first().map(|l| l.transport))
    {
        reader.fail(
            whole,
            "one service listens on tcp or on udp, not on both; write two services",
        );
    }
    all
}

/// `tcp:PORT`, `tcp:ADDRESS:PORT`, `tcp:[V6]:PORT`; also tcp4, tcp6, tcp46 and the same for udp.
fn listen(text: &str) -> Result<Vec<Listen>, String> {
    let (word, place) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is not `tcp:PORT` or `udp:PORT`"))?;
    let (transport, family) = match word {
        "tcp" | "tcp4" | "tcp6" | "tcp46" => (Transport::Tcp, word.trim_start_matches("tcp")),
        "udp" | "udp4" | "udp6" | "udp46" => (Transport::Udp, word.trim_start_matches("udp")),
        "unix" => return Err("Unix sockets are not supported yet".to_owned()),
        _ => {
            return Err(format!(
                "`{word}` is not a protocol: it must be tcp or udp, perhaps with 4, 6 or 46"
            ));
        }
    };
    let (host, port) = place
        .rsplit_once(':')
        .map_or((None, place), |(host, port)| (Some(host), port));
    let port = self::port(port)?;
    let any4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let any6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let sockets = match (host.filter(|host| *host != "*"), family) {
        (None, "") => vec![(any4, false, false), (any6, false, true)],
        (None, "4") => vec![(any4, false, false)],
        (None, "6") => vec![(any6, false, false)],
        (None, _) => vec![(any6, true, false)],
        (Some(host), family) => {
            let v6 = host
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let address = match v6 {
                Some(v6) => v6.parse().map(IpAddr::V6).ok(),
                None => host.parse().map(IpAddr::V4).ok(),
            };
            let address = address.ok_or_else(|| {
                format!(
                    "`{host}` is not an address: write 192.0.2.1, or [2001:db8::1] with brackets"
                )
            })?;
            let fits = match family {
                "4" => address.is_ipv4(),
                "6" => address.is_ipv6(),
                other => other.is_empty(),
            };
            if !fits {
                return Err(format!("`{word}` does not go with the address {host}"));
            }
            vec![(address, false, false)]
        }
    };
    let socket = |(address, dual, implied)| Listen {
        transport,
        address,
        dual,
        implied,
        port: port.clone(),
    };
    Ok(sockets.into_iter().map(socket).collect())
}

fn port(text: &str) -> Result<Port, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().ok().filter(|&number: &u16| number != 0);
        return number
            .map(Port::Number)
            .ok_or_else(|| format!("{text} is not a port from 1 to 65535"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if text.is_empty() || !text.chars().all(plain) {
        return Err(format!(
            "`{text}` is neither a port nor the name of a service"
        ));
    }
    Ok(Port::Name(text.to_owned()))
}

fn server(reader: &mut Reader, table: &mut Table) -> Option<Server> {
    let user = table.take("user");
    match (table.take("exec"), table.take("builtin")) {
        (Some(exec), None) => {
            let account = match user {
                Some(user) => {
                    let text = user.string(reader)?;
                    account(reader, text)
                }
                None => {
                    reader.fail(exec.span.clone(), "there is no `user` to run this as");
                    None
                }
            };
            let program = program(reader, exec);
            let (path, argv) = program?;
            Some(Server::External(Program {
                path,
                argv,
                account: account?,
            }))
        }
        (None, Some(builtin)) => {
            if let Some(user) = user {
                reader.fail(user.key.span, "a builtin service has no user of its own");
            }
            let name = builtin.string(reader)?;
            let found = Builtin::by_name(&name.text).filter(|_| BUILTINS.contains(&&*name.text));
            if found.is_none() {
                let hint = suggestion(&name.text, BUILTINS.iter().copied());
                reader.fail(
                    name.span,
                    format!("there is no builtin service `{}`{hint}", name.text),
                );
            }
            found.map(Server::Builtin)
        }
        (exec, _) => {
            let (span, what) = match exec {
                Some(exec) => (exec.key.span, "`exec` and `builtin` exclude each other"),
                None => (table.span.clone(), "there is neither `exec` nor `builtin`"),
            };
            reader.fail(span, what);
            None
        }
    }
}

const BUILTINS: &[&str] = &["echo", "discard", "daytime", "time", "chargen"];

fn account(reader: &mut Reader, text: Text) -> Option<Account> {
    let (user, group) = match text.text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (&*text.text, None),
    };
    if user.is_empty() || group.is_some_and(str::is_empty) || text.text.contains('\0') {
        reader.fail(
            text.span,
            format!("`{}` is not `user` or `user:group`", text.text),
        );
        return None;
    }
    let group = group.map(str::to_owned);
    Some(Account {
        user: user.to_owned(),
        supplementary: group.is_none(),
        group,
        dotted: false,
    })
}

fn program(reader: &mut Reader, exec: Item) -> Option<(CString, Vec<CString>)> {
    let span = exec.span.clone();
    let words = exec.strings(reader)?;
    let Some(first) = words.first() else {
        reader.fail(span, "`exec` names no program");
        return None;
    };
    let path = first.clone().absolute(reader)?;
    if path.ends_with('/') {
        reader.fail(first.span.clone(), format!("`{path}` is a directory"));
    }
    let string = |text: Text| match CString::new(text.text) {
        Ok(string) => Some(string),
        Err(_) => {
            reader.fail(text.span, "a NUL character, which no argument can hold");
            None
        }
    };
    let argv = words.into_iter().map(string).collect::<Option<Vec<_>>>()?;
    Some((argv.first()?.clone(), argv))
}

/// The daemon name: the program's file name unless another is written; none for `false`. A
/// builtin service goes by its own name, as it would behind tcpd.
fn hosts_access(
    reader: &mut Reader,
    table: &mut Table,
    server: Option<&Server>,
) -> Option<Vec<u8>> {
    if let Some(item) = table.take("hosts_access") {
        return match item.flag() {
            Some(false) => None,
            Some(true) => {
                reader.fail(item.span, "`hosts_access` must be a daemon name or false");
                None
            }
            None => {
                let name = item.string(reader)?;
                if name.text.is_empty() || name.text.contains(char::is_whitespace) {
                    reader.fail(name.span, "a daemon name is one word");
                }
                Some(daemon_name(name.text.as_bytes()))
            }
        };
    }
    match server? {
        Server::External(program) => Some(daemon_name(base_name(program.path.as_bytes()))),
        Server::Builtin(builtin) => Some(builtin.name().as_bytes().to_vec()),
    }
}

fn limits(reader: &mut Reader, table: &mut Table) -> Limits {
    let mut limit = |key: &str| {
        table
            .take(key)
            .and_then(|item| item.number(reader, 1..=u32::MAX))
    };
    let (instances, per_minute) = (limit("instances"), limit("per_minute"));
    let mut per_source = None;
    if let Some(mut each) = table.table(reader, "per_source") {
        let mut part =
            |key: &str, most: u32| each.take(key).map(|item| item.number(reader, 1..=most));
        let (v4, v6) = (part("v4", u32::MAX), part("v6", u32::MAX));
        let prefix = part("v6_prefix", 128).unwrap_or(Some(64));
        let v6_prefix = prefix.and_then(|prefix| u8::try_from(prefix).ok());
        match (v4, v6, v6_prefix) {
            (Some(Some(v4)), Some(Some(v6)), Some(v6_prefix)) => {
                per_source = Some(PerSource { v4, v6, v6_prefix });
            }
            (None, ..) | (_, None, _) => {
                reader.fail(each.span.clone(), "`per_source` needs both `v4` and `v6`");
            }
            _ => {}
        }
        each.finish(reader);
    }
    Limits {
        instances,
        per_minute,
        per_source,
    }
}

/// `env = { NAME = "value" }`.
fn environment(reader: &mut Reader, table: &mut Table) -> Vec<CString> {
    let Some(variables) = table.table(reader, "env") else {
        return Vec::new();
    };
    let mut environment = Vec::new();
    for (name, value) in variables.values(reader) {
        let plain = !name.text.is_empty() && !name.text.contains('=');
        let string = match value {
            Value::Text(value) if plain => CString::new(format!("{}={value}", name.text)).ok(),
            _ => None,
        };
        if string.is_none() {
            reader.fail(
                name.span,
                format!(
                    "the variable `{}` must be a string, without `=` in its name",
                    name.text
                ),
            );
        }
        environment.extend(string);
    }
    environment
}
