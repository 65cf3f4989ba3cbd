//! The system's words for its error numbers.

use std::io;

/// The text of a system error as syslog(3)'s `%m` has it: without the number that Rust adds,
/// and in glibc's words on musl too, because people's log filters know those.
///
/// An error that did not come from the system is shown as it shows itself.
#[must_use]
pub fn errno_text(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    if let Some(text) = glibc_words(number) {
        return text.to_owned();
    }
    let text = error.to_string();
    let suffix = format!(" (os error {number})");
    text.strip_suffix(&suffix)
        .map(str::to_owned)
        .unwrap_or(text)
}

#[cfg(not(target_env = "musl"))]
fn glibc_words(_number: i32) -> Option<&'static str> {
    None
}

/// Where musl's words differ for an error that a file, socket, process or identity call of
/// ours can give.
#[cfg(target_env = "musl")]
fn glibc_words(number: i32) -> Option<&'static str> {
    WORDS
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, text)| *text)
}

#[cfg(any(target_env = "musl", test))]
const WORDS: [(i32, &str); 31] = [
    (5, "Input/output error"),
    (10, "No child processes"),
    (12, "Cannot allocate memory"),
    (16, "Device or resource busy"),
    (18, "Invalid cross-device link"),
    (24, "Too many open files"),
    (25, "Inappropriate ioctl for device"),
    (29, "Illegal seek"),
    (33, "Numerical argument out of domain"),
    (34, "Numerical result out of range"),
    (35, "Resource deadlock avoided"),
    (36, "File name too long"),
    (40, "Too many levels of symbolic links"),
    (62, "Timer expired"),
    (75, "Value too large for defined data type"),
    (84, "Invalid or incomplete multibyte or wide character"),
    (88, "Socket operation on non-socket"),
    (90, "Message too long"),
    (95, "Operation not supported"),
    (98, "Address already in use"),
    (99, "Cannot assign requested address"),
    (101, "Network is unreachable"),
    (102, "Network dropped connection on reset"),
    (103, "Software caused connection abort"),
    (106, "Transport endpoint is already connected"),
    (107, "Transport endpoint is not connected"),
    (108, "Cannot send after transport endpoint shutdown"),
    (110, "Connection timed out"),
    (113, "No route to host"),
    (115, "Operation now in progress"),
    (122, "Disk quota exceeded"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// On glibc this compares with the library itself, on musl with the table.
    #[test]
    fn the_words_are_those_of_glibc() {
        for (number, text) in WORDS {
            assert_eq!(errno_text(&io::Error::from_raw_os_error(number)), text);
        }
        for (number, text) in [
            (1, "Operation not permitted"),
            (2, "No such file or directory"),
            (13, "Permission denied"),
            (20, "Not a directory"),
            (104, "Connection reset by peer"),
            (111, "Connection refused"),
        ] {
            assert_eq!(errno_text(&io::Error::from_raw_os_error(number)), text);
        }
    }

    #[test]
    fn an_error_of_our_own_shows_itself() {
        assert_eq!(errno_text(&io::Error::other("no luck")), "no luck");
    }
}
