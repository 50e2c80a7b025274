//! The module is shipped without symbols: they are four fifths of it.

fn main() {
    // Only here, and not in the profile: with that the libraries of other builds could not be used.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--strip-all");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
