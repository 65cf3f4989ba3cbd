//! Messages to the monitor that wait until it can take them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use wire::{Channel, ToFrontend, ToMonitor};

/// The frontend's end of its conversation with the monitor.
pub struct Outbox {
    channel: Channel<ToFrontend, ToMonitor>,
    queue: VecDeque<(ToMonitor, Option<OwnedFd>)>,
}

/// With so many messages waiting no more connections are accepted: they wait in the kernel.
const ENOUGH: usize = 64;

impl Outbox {
    /// Takes the channel, which is non-blocking.
    pub fn new(channel: Channel<ToFrontend, ToMonitor>) -> Self {
        Outbox {
            channel,
            queue: VecDeque::new(),
        }
    }

    /// The channel, to receive from.
    pub fn channel(&self) -> &Channel<ToFrontend, ToMonitor> {
        &self.channel
    }

    /// Sends a message, or keeps it until [`Outbox::flush`].
    ///
    /// # Errors
    /// The system's, when the monitor is gone.
    pub fn send(&mut self, message: ToMonitor, fd: Option<OwnedFd>) -> io::Result<()> {
        self.queue.push_back((message, fd));
        self.flush()
    }

    /// Sends what waits, as far as the monitor takes it.
    ///
    /// # Errors
    /// The system's, when the monitor is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        while let Some((message, fd)) = self.queue.front() {
            match self.channel.send(message, fd.as_ref().map(AsFd::as_fd)) {
                Ok(()) => drop(self.queue.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether something waits.
    pub fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether so much waits that nothing should be added.
    pub fn is_full(&self) -> bool {
        self.queue.len() >= ENOUGH
    }
}
