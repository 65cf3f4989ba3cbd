//! Stub by the lead: overwrite freely.
#![allow(missing_docs)]
pub mod syslog {
    #[allow(non_camel_case_types)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Severity { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG }
    #[allow(non_camel_case_types)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Facility { LOG_DAEMON = 3 }
    pub struct Syslog { ident: Vec<u8> , s: Option<std::os::unix::net::UnixDatagram> }
    impl Syslog {
        pub fn open(ident: &[u8], _f: Facility, _pid: bool) -> Self { Syslog { ident: ident.to_vec(), s: std::os::unix::net::UnixDatagram::unbound().ok() } }
        pub fn send(&mut self, s: Severity, text: &[u8]) {
            let l = format!("<{}>{}[{}]: {}", 24 + s as u8, String::from_utf8_lossy(&self.ident), std::process::id(), String::from_utf8_lossy(text));
            if std::env::var_os("X").is_none() { eprintln!("{l}"); }
            if let Some(k) = &self.s { drop(k.send_to(l.as_bytes(), "/dev/log")); }
        }
    }
}
pub fn errno_text(e: &std::io::Error) -> String { let t = e.to_string(); t.split(" (os error").next().unwrap_or("").to_owned() }
