//! The server with models that are made up, to work on the page: `cargo run --release -p ferrotype-serve --example mock`.

use std::sync::Arc;
use std::time::Duration;

use ferrotype_serve::{Limits, Options, Server};

#[allow(dead_code, missing_docs)]
#[path = "../tests/server/mock.rs"]
mod mock;
#[allow(dead_code, missing_docs)]
#[path = "../tests/server/mock_runs.rs"]
mod mock_runs;

fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(7777), |port| port.parse())?;
    let options = Options { host: [127, 0, 0, 1].into(), port, token: None, keep: None, limits: Limits::default() };
    let runs = Arc::new(mock_runs::MockRuns::new());
    let server = Server::bind(options, Arc::new(mock::MockModels::default()), runs.clone())?;
    println!("{}", server.link());
    std::thread::spawn(move || {
        for epoch in 4.. {
            std::thread::sleep(Duration::from_secs(2));
            runs.go_on(epoch);
        }
    });
    server.run()
}
