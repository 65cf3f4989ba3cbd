//! What the processes say to each other: fixed-size messages over sequenced-packet sockets.
//!
//! A message type is named for its receiver. Every frame of one type has the same size, at
//! most one descriptor travels with it, and decoding checks everything that can be checked
//! without context: an unknown tag, a wrong size, a non-zero byte where nothing belongs is an
//! error, and the receiver ends the conversation.
#![forbid(unsafe_code)]

mod bytes;
mod channel;
mod question;
mod to_frontend;
mod to_monitor;

pub use channel::{Channel, Frame, ReceiveError};
pub use question::{Answer, Outcome, Question, Subject};
pub use to_frontend::{Ending, Failure, ToFrontend};
pub use to_monitor::ToMonitor;

/// Identifies one connection in records and in memory: a UUID, most significant byte first.
pub type ConnectionId = [u8; 16];

/// The peer of a connection as the frontend saw it, in a form the monitor stores and gives
/// back without looking into it.
pub type Peer = [u8; 20];

/// Why a frame could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The frame does not have the size of its type.
    Size,
    /// There is no message with this number.
    Tag(u8),
    /// A field holds a value that it cannot have.
    Field,
    /// Bytes that belong to no field are not zero.
    Padding,
    /// A descriptor is missing, or came where none belongs, or there are several.
    Descriptors,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Malformed::Size => write!(f, "frame of a wrong size"),
            Malformed::Tag(tag) => write!(f, "unknown message {tag}"),
            Malformed::Field => write!(f, "impossible value in a field"),
            Malformed::Padding => write!(f, "bytes that belong to no field"),
            Malformed::Descriptors => write!(f, "wrong number of descriptors"),
        }
    }
}

impl std::error::Error for Malformed {}
