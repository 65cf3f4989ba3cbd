//! One message over a Unix socket, with the descriptors that travel with it.

use crate::check;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Most descriptors one message may carry; the kernel closes what does not fit.
pub const MAX_DESCRIPTORS: usize = 4;

/// Control buffer for [`MAX_DESCRIPTORS`], aligned as `cmsghdr` needs.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// What was received.
#[derive(Debug)]
pub struct Received {
    /// Bytes of the message; 0 means that the other end is gone.
    pub length: usize,
    /// Descriptors that came with it, close-on-exec.
    pub descriptors: Vec<OwnedFd>,
    /// The message or its descriptors did not fit and were cut.
    pub truncated: bool,
}

/// Sends one message, and a descriptor with it if one is given. Never raises SIGPIPE.
///
/// # Errors
/// `EAGAIN` where the socket is non-blocking and full, `EPIPE` where the other end is gone.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let mut control = Control([0; 64]);
    // SAFETY: msghdr is integers and pointers, for which all-zero means "absent".
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    if let Some(fd) = fd {
        header.msg_control = (&raw mut control).cast();
        // SAFETY: computes sizes only.
        header.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as _;
        // SAFETY: `header` has a control buffer of 64 aligned bytes, room for one header and
        // one descriptor, so the pointers stay inside it.
        unsafe {
            let first = libc::CMSG_FIRSTHDR(&raw const header);
            (*first).cmsg_level = libc::SOL_SOCKET;
            (*first).cmsg_type = libc::SCM_RIGHTS;
            (*first).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
            libc::CMSG_DATA(first)
                .cast::<RawFd>()
                .write_unaligned(fd.as_raw_fd());
        }
    }
    // SAFETY: everything `header` points to is local and lives during the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_sendmsg,
            socket.as_raw_fd(),
            &raw const header,
            libc::MSG_NOSIGNAL,
        )
    })?;
    Ok(())
}

/// Receives one message into `buffer`, and up to [`MAX_DESCRIPTORS`] descriptors.
///
/// # Errors
/// `EAGAIN` where the socket is non-blocking and empty.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let mut control = Control([0; 64]);
    // SAFETY: as in `send`.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = (&raw mut control).cast();
    // SAFETY: computes sizes only.
    let space = unsafe { libc::CMSG_SPACE((MAX_DESCRIPTORS * size_of::<RawFd>()) as u32) };
    header.msg_controllen = space as _;
    // SAFETY: `buffer` is valid for its length and exclusively ours; the rest is local.
    let length = check(unsafe {
        libc::syscall(
            libc::SYS_recvmsg,
            socket.as_raw_fd(),
            &raw mut header,
            libc::MSG_CMSG_CLOEXEC,
        )
    })?;
    Ok(Received {
        length: usize::try_from(length).unwrap_or(0),
        descriptors: take_descriptors(&header),
        truncated: header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0,
    })
}

fn take_descriptors(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    // SAFETY: the kernel filled the control buffer and its length; the CMSG_ macros stay
    // inside it.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !next.is_null() {
        // SAFETY: `next` is a complete header inside the buffer.
        let (level, kind, length) = unsafe {
            (
                (*next).cmsg_level,
                (*next).cmsg_type,
                (*next).cmsg_len as usize,
            )
        };
        if level == libc::SOL_SOCKET && kind == libc::SCM_RIGHTS {
            // SAFETY: computes sizes only.
            let head = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = length.saturating_sub(head) / size_of::<RawFd>();
            for index in 0..count {
                // SAFETY: the kernel wrote `count` descriptors after the header, each new in
                // this process and owned by nobody else.
                found.push(unsafe {
                    let data = libc::CMSG_DATA(next).cast::<RawFd>().add(index);
                    OwnedFd::from_raw_fd(data.read_unaligned())
                });
            }
        }
        // SAFETY: as above.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_descriptor_travels_with_its_message() {
        let (a, b) = UnixStream::pair().unwrap();
        let (mut inside, outside) = UnixStream::pair().unwrap();
        send(a.as_fd(), b"here", Some(outside.as_fd())).unwrap();
        drop(outside);
        let mut buffer = [0; 16];
        let received = receive(b.as_fd(), &mut buffer).unwrap();
        assert_eq!((received.length, received.truncated), (4, false));
        let mut other = UnixStream::from(received.descriptors.into_iter().next().unwrap());
        other.write_all(b"x").unwrap();
        let mut byte = [0];
        inside.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn a_message_may_carry_none() {
        let (a, b) = UnixStream::pair().unwrap();
        send(a.as_fd(), b"plain", None).unwrap();
        let mut buffer = [0; 16];
        let received = receive(b.as_fd(), &mut buffer).unwrap();
        assert_eq!((received.length, received.descriptors.len()), (5, 0));
    }
}
