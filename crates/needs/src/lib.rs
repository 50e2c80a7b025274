//! `#[needs(...)]` before `#[test]`: the test appears as ignored, with the reason, where what it needs is absent when it is
//! compiled. Set environment variables are noticed at the next `cargo test`; programs and modules installed afterwards when
//! the test's crate is compiled again (`touch` one of its files).

mod requirements;

use proc_macro::{TokenStream, TokenTree};
use requirements::{Requirement, VARIABLES};

/// `#[needs(data, ffmpeg)]`: the names of what a test needs, see `requirements.rs`.
#[proc_macro_attribute]
pub fn needs(names: TokenStream, test: TokenStream) -> TokenStream {
    let mut reason = None;
    for token in names {
        match token {
            TokenTree::Ident(name) => match Requirement::named(&name.to_string()) {
                Some(requirement) => reason = reason.or_else(|| requirement.missing()),
                None => return failed(&format!("`{name}` is none of {}", Requirement::NAMES.join(", "))),
            },
            TokenTree::Punct(comma) if comma.as_char() == ',' => {}
            other => return failed(&format!("expected the names of requirements, found `{other}`")),
        }
    }
    let ignore = reason.map(|reason| format!("#[ignore = {reason:?}]")).unwrap_or_default();
    // Compiled again when one of them changes.
    let tracked = VARIABLES.map(|name| format!("option_env!({name:?})")).join(", ");
    let tracked = format!("const _: [Option<&str>; {}] = [{tracked}];", VARIABLES.len());
    [parsed(&ignore), test, parsed(&tracked)].into_iter().collect()
}

fn failed(message: &str) -> TokenStream {
    parsed(&format!("compile_error!({message:?});"))
}

fn parsed(text: &str) -> TokenStream {
    text.parse().expect("the macro writes Rust")
}
