//! Reading and writing the fields of a fixed-size frame, little-endian.

use crate::Malformed;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Appends fields to a frame; what would not fit is a defect of the message's layout, which
/// the round-trip tests would show, and is left out.
pub(crate) struct Writer<const N: usize> {
    frame: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    pub(crate) fn new(tag: u8) -> Self {
        let mut writer = Writer {
            frame: [0; N],
            at: 0,
        };
        writer.put(&[tag]);
        writer
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.frame.get_mut(self.at..self.at + bytes.len()) {
            place.copy_from_slice(bytes);
            self.at += bytes.len();
        }
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.put(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// Family, address and port: 19 bytes.
    pub(crate) fn socket(&mut self, socket: SocketAddr) {
        let (family, octets) = match socket.ip() {
            IpAddr::V4(v4) => (4, v4.to_ipv6_mapped().octets()),
            IpAddr::V6(v6) => (6, v6.octets()),
        };
        self.put(&[family]);
        self.put(&octets);
        self.u16(socket.port());
    }

    /// A length and `capacity` bytes, longer texts cut.
    pub(crate) fn text(&mut self, text: &[u8], capacity: u16) {
        let length = text.len().min(usize::from(capacity));
        self.u16(u16::try_from(length).unwrap_or(0));
        self.put(text.get(..length).unwrap_or_default());
        self.at += usize::from(capacity) - length;
    }

    pub(crate) fn finish(self) -> [u8; N] {
        self.frame
    }
}

/// Takes fields off a frame.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks the size; returns the tag and a reader of what follows it.
    pub(crate) fn new(frame: &'a [u8], size: usize) -> Result<(u8, Self), Malformed> {
        match frame.split_first() {
            Some((&tag, rest)) if frame.len() == size => Ok((tag, Reader { rest })),
            _ => Err(Malformed::Size),
        }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Size)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.take()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.take()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_le_bytes(self.take()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    pub(crate) fn socket(&mut self) -> Result<SocketAddr, Malformed> {
        let family = self.u8()?;
        let address = Ipv6Addr::from(self.take::<16>()?);
        let port = self.u16()?;
        let ip = match family {
            4 => IpAddr::V4(mapped(address).ok_or(Malformed::Field)?),
            6 => IpAddr::V6(address),
            _ => return Err(Malformed::Field),
        };
        Ok(SocketAddr::new(ip, port))
    }

    pub(crate) fn text(&mut self, capacity: u16) -> Result<Vec<u8>, Malformed> {
        let length = usize::from(self.u16()?);
        let (field, rest) = self
            .rest
            .split_at_checked(usize::from(capacity))
            .ok_or(Malformed::Size)?;
        self.rest = rest;
        let (text, padding) = field.split_at_checked(length).ok_or(Malformed::Field)?;
        all_zero(padding)?;
        Ok(text.to_vec())
    }

    /// Checks that nothing is left but zeros.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        all_zero(self.rest)
    }
}

fn all_zero(bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.iter().all(|&b| b == 0) {
        Ok(())
    } else {
        Err(Malformed::Padding)
    }
}

fn mapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    address.to_ipv4_mapped()
}
