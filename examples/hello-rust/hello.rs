// SPDX-License-Identifier: MIT
fn main() {
    let mut text = String::from("Hello from Rust");
    for word in std::env::args().skip(1) {
        text.push_str(", ");
        text.push_str(&word);
    }
    println!("{text}");
}
