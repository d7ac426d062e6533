//! Placeholder target until the first benchmark lands with the frontend.
fn main() {}
