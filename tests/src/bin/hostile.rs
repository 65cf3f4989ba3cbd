//! A frontend in the hands of an attacker. Installed in the place of `portreeve-frontend`, it
//! does to the monitor what the file `attack` beside it says, once, and says in the file
//! `attacked` that it has.
//!
//! It writes the wire format by hand: nothing of Portreeve is linked here.

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::io::IoSlice;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;

const READY: u8 = 1;
const REFRESH: u8 = 2;
const LAUNCH: u8 = 3;
const LAUNCH_ON_LISTENER: u8 = 4;
const SIZE: usize = 64;

fn frame(tag: u8, service: u32, listener: u32, through_tcpd: u8) -> Vec<u8> {
    let mut frame = vec![tag];
    frame.extend_from_slice(&service.to_le_bytes());
    frame.extend_from_slice(&listener.to_le_bytes());
    frame.push(through_tcpd);
    frame.resize(SIZE, 0);
    frame
}

fn plain(tag: u8) -> Vec<u8> {
    let mut frame = vec![tag];
    frame.resize(SIZE, 0);
    frame
}

fn send(bytes: &[u8], descriptors: &[RawFd]) {
    let control = [ControlMessage::ScmRights(descriptors)];
    let control = if descriptors.is_empty() {
        &control[..0]
    } else {
        &control[..]
    };
    // Whether the monitor takes it is what the test is about.
    let _ = sendmsg::<()>(
        0,
        &[IoSlice::new(bytes)],
        control,
        MsgFlags::MSG_NOSIGNAL,
        None,
    );
}

/// A connection that is real, but to a listener of our own.
fn own_connection() -> std::io::Result<(TcpListener, TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    Ok((listener, client, server))
}

fn attack(kind: &str) -> std::io::Result<()> {
    let (listener, client, server) = own_connection()?;
    let null = std::fs::File::open("/dev/null")?;
    let connection = server.as_raw_fd();
    match kind {
        "unknown-tag" => send(&frame(99, 0, 0, 0), &[]),
        "short-frame" => send(plain(READY).get(1..).unwrap_or_default(), &[]),
        "long-frame" => send(&[0; 4096], &[]),
        "empty-frame" => send(&[], &[]),
        "padding" => send(
            &[frame(LAUNCH, 0, 0, 0), vec![]]
                .concat()
                .iter()
                .map(|b| b | 128)
                .collect::<Vec<_>>(),
            &[connection],
        ),
        "wrong-service" => send(&frame(LAUNCH, 9999, 0, 0), &[connection]),
        "wrong-listener" => send(&frame(LAUNCH, 0, 9999, 0), &[connection]),
        "no-descriptor" => send(&frame(LAUNCH, 0, 0, 0), &[]),
        "many-descriptors" => send(&frame(LAUNCH, 0, 0, 0), &[connection; 3]),
        "very-many-descriptors" => send(&frame(LAUNCH, 0, 0, 0), &[connection; 200]),
        "descriptor-with-ready" => send(&plain(READY), &[connection]),
        "no-socket" => send(&frame(LAUNCH, 0, 0, 0), &[null.as_raw_fd()]),
        "foreign-connection" => send(&frame(LAUNCH, 0, 0, 0), &[connection]),
        "foreign-client" => send(&frame(LAUNCH, 0, 0, 1), &[client.as_raw_fd()]),
        "foreign-listener" => send(&frame(LAUNCH, 0, 0, 0), &[listener.as_raw_fd()]),
        "listener-of-nowait" => send(&frame(LAUNCH_ON_LISTENER, 0, 0, 0), &[]),
        "flood" => (0..20_000).for_each(|_| send(&plain(REFRESH), &[])),
        _ => {}
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let own = std::env::current_exe()?;
    let place = own.parent().unwrap_or(Path::new("/"));
    let kind = std::fs::read_to_string(place.join("attack"))?;
    attack(kind.trim())?;
    std::fs::write(
        place.join("attacked").join(std::process::id().to_string()),
        kind,
    )?;
    loop {
        std::thread::park();
    }
}
