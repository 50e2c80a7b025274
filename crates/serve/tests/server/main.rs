//! The server as clients see it, well-meaning and other ones, with models that are made up.
#![allow(missing_docs)]

mod access;
mod answers;
mod browser;
mod client;
mod hostile;
mod load;
mod mock;
mod mock_runs;
mod videos;
mod watching;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use ferrotype_serve::{Limits, Options, Server, Stop, Token};
use mock::MockModels;
use mock_runs::MockRuns;

pub const TOKEN: &str = "a-token-for-the-tests";

/// A server on a free port, ended with its value.
pub struct Running {
    pub address: SocketAddr,
    pub link: String,
    pub models: Arc<MockModels>,
    pub runs: Arc<MockRuns>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options =
            Options { host: [127, 0, 0, 1].into(), port: 0, token: None, keep: None, limits: Limits::default() };
        change(&mut options);
        let (models, runs) = (Arc::new(MockModels::default()), Arc::new(MockRuns::new()));
        let server = Server::bind(options, models.clone(), runs.clone()).unwrap();
        let (address, link, stop) = (server.address(), server.link(), server.stop());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Self { address, link, models, runs, stop, thread }
    }

    pub fn with_token() -> Self {
        Self::with(|options| options.token = Some(Token::new(TOKEN).unwrap()))
    }

    /// Asks it to stop, and waits for its end.
    pub fn stop(&mut self) {
        self.stop.ask();
        self.models.open();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
