//! The resolver with real name servers and real ident services, in a world of its own.

#[cfg(test)]
mod ident;
#[cfg(test)]
mod names;
#[cfg(test)]
mod process;
#[cfg(test)]
mod world;
