//! Sockets to name servers.
//!
//! The library's own UDP socket is not connected, so that it never hears that nobody listens
//! at the other end and waits its time out: on a machine whose name server is down, every
//! lookup would take ten seconds. A connected socket hears it at once, as the C library's
//! does, and the kernel gives it nothing that comes from elsewhere.

use hickory_resolver::net::runtime::{
    DnsUdpSocket, RuntimeProvider, TokioHandle, TokioRuntimeProvider, TokioTime,
};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{Interest, ReadBuf};
use tokio::net::UdpSocket;

/// Tokio's runtime with connected UDP sockets.
#[derive(Clone, Default)]
pub struct Transport(TokioRuntimeProvider);

/// A UDP socket and the server it is connected to.
pub struct Connected {
    socket: UdpSocket,
    server: SocketAddr,
}

type Pending<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

type Receiving<'c> = Pin<Box<dyn Send + Future<Output = io::Result<(usize, SocketAddr)>> + 'c>>;

impl RuntimeProvider for Transport {
    type Handle = TokioHandle;
    type Timer = TokioTime;
    type Udp = Connected;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> TokioHandle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        local: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pending<Self::Tcp> {
        self.0.connect_tcp(server, local, timeout)
    }

    fn bind_udp(&self, local: SocketAddr, server: SocketAddr) -> Pending<Connected> {
        Box::pin(async move {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(server).await?;
            Ok(Connected { socket, server })
        })
    }
}

impl Connected {
    async fn receive(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            // A refusal makes a socket neither readable nor closed, it is only an error.
            let wanted = Interest::READABLE | Interest::ERROR;
            self.socket.ready(wanted).await?;
            let refusal = || match self.socket.take_error()? {
                Some(error) => Err(error),
                None => Err(io::ErrorKind::WouldBlock.into()),
            };
            let received = match self.socket.try_recv(buf) {
                Err(error) if would_block(&error) => self.socket.try_io(Interest::ERROR, refusal),
                received => received,
            };
            match received {
                Err(error) if would_block(&error) => (),
                received => return received.map(|length| (length, self.server)),
            }
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

impl DnsUdpSocket for Connected {
    type Time = TokioTime;

    fn recv_from<'a, 'b, 'c>(&'a self, buf: &'b mut [u8]) -> Receiving<'c>
    where
        'a: 'c,
        'b: 'c,
    {
        Box::pin(self.receive(buf))
    }

    fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buf = ReadBuf::new(buf);
        let polled = self.socket.poll_recv(cx, &mut buf);
        polled.map_ok(|()| (buf.filled().len(), self.server))
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        if target != self.server {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        }
        self.socket.poll_send(cx, buf)
    }
}
