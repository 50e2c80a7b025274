//! Models are loaded from a server on this machine that does everything a server can do wrong.

mod cache;
mod faults;
mod place;
mod processes;
mod pull;
mod redirects;
mod server;
mod settings;
mod tls;
