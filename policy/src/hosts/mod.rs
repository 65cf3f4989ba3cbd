//! The access language of hosts_access(5) and hosts_options(5).
//!
//! [`evaluate::evaluate`] decides; everything else here is what it reads: the lines of a
//! table ([`text`], [`table`]), the patterns of a list ([`pattern`], [`netgroup`]), the
//! options of a rule ([`option`]), the facts about a connection ([`request`], [`facts`]) and
//! what is known of it so far ([`known`]).
//!
//! Tables are bytes and are read once, from the front: a rule is a borrowed slice, its
//! fields are split and its tokens matched only when they are needed.

mod apply;
mod case;
pub mod check;
pub mod evaluate;
pub mod expand;
pub mod facts;
pub mod known;
pub mod netgroup;
pub mod number;
pub mod option;
pub mod pattern;
pub mod request;
pub mod settings;
pub mod table;
pub mod text;
pub mod verdict;

#[cfg(test)]
mod testing;
