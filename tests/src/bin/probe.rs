//! A server that tells its client whether it may read a file: `probe FILE`.

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    match std::fs::read(&path) {
        Ok(content) => println!("read {} bytes", content.len()),
        Err(error) => println!("denied: {error}"),
    }
}
