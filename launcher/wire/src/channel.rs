//! One end of a conversation between two of our processes.

use crate::Malformed;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A message with a fixed-size frame.
pub trait Frame: Sized {
    /// Size of every frame, in bytes.
    const SIZE: usize;

    /// Whether a message of this kind carries a descriptor.
    fn carries_descriptor(&self) -> bool;

    /// Calls `send` with the frame's bytes.
    fn with_bytes<R>(&self, send: impl FnOnce(&[u8]) -> R) -> R;

    /// Reads a frame.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong with it.
    fn decode(frame: &[u8]) -> Result<Self, Malformed>;
}

/// Why nothing could be received.
#[derive(Debug)]
pub enum ReceiveError {
    /// Nothing is there now.
    Empty,
    /// The other end is gone.
    Closed,
    /// What came is no message of the protocol.
    Malformed(Malformed),
    /// The socket failed.
    Io(io::Error),
}

/// A connected sequenced-packet socket over which `In` is received and `Out` is sent.
///
/// The two ends of one pair have mirrored types, so a message sent the wrong way does not
/// compile.
#[derive(Debug)]
pub struct Channel<In, Out> {
    socket: OwnedFd,
    direction: PhantomData<(In, Out)>,
}

/// Room for the largest frame and one byte more, so that a longer one shows.
const BUFFER: usize = 1025;

impl<In: Frame, Out: Frame> Channel<In, Out> {
    /// Takes over one end of a `SOCK_SEQPACKET` pair.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Channel {
            socket,
            direction: PhantomData,
        }
    }

    /// Sends a message, with the descriptor it carries if it carries one.
    ///
    /// # Errors
    /// `EAGAIN` when the socket is non-blocking and full, `EINVAL` when the descriptor does
    /// not go with the message, `EPIPE` when the other end is gone.
    pub fn send(&self, message: &Out, fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        if message.carries_descriptor() != fd.is_some() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        message.with_bytes(|bytes| sys::message::send(self.socket.as_fd(), bytes, fd))
    }

    /// Receives one message and the descriptor that belongs to it.
    ///
    /// Whatever else came with a malformed message is closed.
    ///
    /// # Errors
    /// See [`ReceiveError`].
    pub fn receive(&self) -> Result<(In, Option<OwnedFd>), ReceiveError> {
        let mut buffer = [0; BUFFER];
        let received = match sys::message::receive(self.socket.as_fd(), &mut buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(ReceiveError::Empty);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return Err(ReceiveError::Closed);
            }
            Err(error) => return Err(ReceiveError::Io(error)),
        };
        if received.length == 0 {
            return Err(ReceiveError::Closed);
        }
        if received.truncated {
            return Err(ReceiveError::Malformed(Malformed::Size));
        }
        let bytes = buffer.get(..received.length).unwrap_or_default();
        let message = In::decode(bytes).map_err(ReceiveError::Malformed)?;
        let expected = usize::from(message.carries_descriptor());
        if received.descriptors.len() != expected {
            return Err(ReceiveError::Malformed(Malformed::Descriptors));
        }
        Ok((message, received.descriptors.into_iter().next()))
    }
}

impl<In, Out> AsFd for Channel<In, Out> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
